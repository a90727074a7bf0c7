;; Crosses the octets of message data sixteen at a time and stops where the reader must decide. RFC 5321 §2.3.8, §4.5.2.
;; `node tools/wasm.ts` makes line-scan-module.ts of it; a test sees that both are the same.
(module
  ;; From 0 on: the numbers below, each 4 octets. From 64 on: the octets that are looked at, with 16 more behind them.
  (memory (export "memory") 2)

  ;; Looks at the octets from $at to $end. With $strict it stops at each bare CR and LF, else it counts them. Answers where it stopped:
  ;; - at $end;
  ;; - at a CR that is the last octet before $end;
  ;; - with $strict: at a CR without LF, or at an LF without CR;
  ;; - at a dot that begins a line.
  (func (export "scan") (param $at i32) (param $end i32) (param $strict i32) (result i32)
    (local $special i32) (local $octet i32) (local $length i32)
    ;; What is told; $line alone is given as well.
    (local $line i32) (local $feeds i32) (local $longest i32) (local $bareCr i32) (local $bareLf i32) (local $nul i32) (local $long i32)
    (local.set $line (i32.load (i32.const 0)))

    (block $stop
      (loop $on
        (br_if $stop (i32.ge_s (local.get $at) (local.get $end)))
        ;; Octets below 14 are CR, LF, NUL and what hardly comes.
        (local.set $special
          (i8x16.bitmask (i8x16.lt_u (v128.load (local.get $at)) (v128.const i8x16 14 14 14 14 14 14 14 14 14 14 14 14 14 14 14 14))))
        (if (i32.eqz (local.get $special))
          (then
            (local.set $at (i32.add (local.get $at) (i32.const 16)))
            (br $on)))
        (local.set $at (i32.add (local.get $at) (i32.ctz (local.get $special))))
        (br_if $stop (i32.ge_s (local.get $at) (local.get $end)))
        (local.set $octet (i32.load8_u (local.get $at)))

        (if (i32.eq (local.get $octet) (i32.const 13))
          (then
            (br_if $stop (i32.eq (i32.add (local.get $at) (i32.const 1)) (local.get $end)))
            (if (i32.ne (i32.load8_u offset=1 (local.get $at)) (i32.const 10))
              (then
                (br_if $stop (local.get $strict))
                (local.set $bareCr (i32.add (local.get $bareCr) (i32.const 1)))
                (local.set $at (i32.add (local.get $at) (i32.const 1)))
                (br $on)))
            ;; CRLF: the line ends.
            (local.set $at (i32.add (local.get $at) (i32.const 2)))
            (local.set $length (i32.sub (local.get $at) (local.get $line)))
            (if (i32.gt_s (local.get $length) (local.get $longest)) (then (local.set $longest (local.get $length))))
            (if (i32.gt_s (local.get $length) (i32.load (i32.const 28)))
              (then (local.set $long (i32.add (local.get $long) (i32.const 1)))))
            (local.set $feeds (i32.add (local.get $feeds) (i32.const 1)))
            (local.set $line (local.get $at))
            (br_if $stop (i32.ge_s (local.get $at) (local.get $end)))
            (br_if $stop (i32.eq (i32.load8_u (local.get $at)) (i32.const 46)))
            (br $on)))

        (if (i32.eq (local.get $octet) (i32.const 10))
          (then
            (br_if $stop (local.get $strict))
            (local.set $bareLf (i32.add (local.get $bareLf) (i32.const 1)))
            (local.set $feeds (i32.add (local.get $feeds) (i32.const 1))))
          (else
            (local.set $nul (i32.add (local.get $nul) (i32.eqz (local.get $octet))))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $on)))

    (i32.store (i32.const 0) (local.get $line))
    (i32.store (i32.const 4) (local.get $feeds))
    (i32.store (i32.const 8) (local.get $longest))
    (i32.store (i32.const 12) (local.get $bareCr))
    (i32.store (i32.const 16) (local.get $bareLf))
    (i32.store (i32.const 20) (local.get $nul))
    (i32.store (i32.const 24) (local.get $long))
    (select (local.get $at) (local.get $end) (i32.lt_s (local.get $at) (local.get $end)))))
