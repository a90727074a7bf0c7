import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalMailbox, parsePath } from '../../src/smtp-server/path.ts'
import { OctetFaults } from '../../src/smtp-server/octet-faults.ts'
import { processorTime } from '../support/processor-time.ts'

const MAILBOXES: Readonly<Record<string, string | undefined>> = {
  'ann@example.org': 'ann | example.org',
  'Ann@EXAMPLE.org': 'Ann | example.org',
  '"ann"@example.org': 'ann | example.org',
  '"a b@c"@example.org': 'a b@c | example.org',
  '"a\\"b"@example.org': 'a"b | example.org',
  'a/b+c=d@example.org': 'a/b+c=d | example.org',
  'ann@[192.0.2.1]': 'ann | [192.0.2.1]',
  'ann@[IPv6:2001:DB8::1]': 'ann | [ipv6:2001:db8::1]',
  'ann@bücher.example': 'ann | xn--bcher-kva.example',
  'ann@xn--bcher-kva.example': 'ann | xn--bcher-kva.example',
  'bu\u0308cher@example.org': 'bücher | example.org',
  'ann@BU\u0308CHER.example': 'ann | xn--bcher-kva.example',
  'ann@example.org.': undefined,
  '.ann@example.org': undefined,
  'ann.@example.org': undefined,
  'a..n@example.org': undefined,
  'ann@-example.org': undefined,
  'ann@example..org': undefined,
  'ann@127.1': undefined,
  'ann@0x7f.1': undefined,
  'ann@℀.example': undefined,
  'an\u200bn@example.org': undefined,
  'an\u00adn@example.org': undefined,
  'an\u202en@example.org': undefined,
  'ann@exa\u00admple.org': undefined,
  'ann@example%2eorg': undefined,
  'a@b@example.org': undefined,
  '"a@example.org': undefined,
  '=?utf-8?q?a=40evil?=@example.org': '=?utf-8?q?a=40evil?= | example.org',
  '$(id)@example.org': undefined,
  [`${'x'.repeat(251)}@example.org`]: undefined,
  'ann@': undefined,
  '@example.org': undefined,
  ann: undefined,
}

test('mailboxes in canonical form, and what is none (RFC 5321 §4.1.2; RFC 6531 §3.3; S10, S11)', () => {
  for (const [text, wanted] of Object.entries(MAILBOXES)) {
    const mailbox = canonicalMailbox(text)
    assert.equal(mailbox === undefined ? undefined : `${mailbox.local} | ${mailbox.domain}`, wanted, JSON.stringify(text))
  }
})

test('paths: quotes hide brackets, source routes are ignored, parameters have a form (RFC 5321 §4.1.1.2, §4.1.1.11)', () => {
  const shown = (text: string): string => {
    const parsed = parsePath('TO', text)
    if (parsed === undefined) return 'fault'
    return `${parsed.address?.local}@${parsed.address?.domain} ${[...parsed.parameters].map(([name, value]) => `${name}=${value}`).join(' ')}`.trimEnd()
  }
  assert.equal(shown('TO:<"a>b"@example.org> notify=NEVER'), 'a>b@example.org NOTIFY=NEVER')
  assert.equal(shown('to : <@a.example,@b.example:ann@example.org>'), 'ann@example.org')
  assert.equal(shown('TO:<PostMaster>'), 'postmaster@')
  for (const text of [
    'TO:<ann@example.org>x',
    'TO:<ann@example.org> =x',
    'TO:<ann@example.org> A=',
    'FROM:<ann@example.org>',
    'TO <ann@example.org>',
    'TO:<ann@example.org',
    'TO:<<ann@example.org>>',
  ]) {
    assert.equal(shown(text), 'fault', text)
  }
  assert.equal(parsePath('FROM', 'FROM:<>')?.address, undefined)
  assert.notEqual(parsePath('FROM', 'FROM:<>'), undefined)
})

test('a path of any length and form is read in linear time (M6)', () => {
  for (const unit of ['(', '<', '"', '\\', ',', '@', ':', ' ', '.', 'a=', '@a,', 'a.', '\\"']) {
    const time = (length: number): number => {
      const text = `TO:<${unit.repeat(length)}`
      const began = processorTime()
      for (let round = 0; round < 3; round++) {
        parsePath('TO', text)
        parsePath('TO', `${text}@example.org>`)
        parsePath('TO', `TO:<a@b.example> ${unit.repeat(length)}`)
      }
      return processorTime() - began
    }
    time(1000)
    assert.ok(time(200_000) < 1000, unit)
  }
})

test('bare CR, bare LF and NUL are counted at every cut (RFC 5321 §2.3.8)', () => {
  const octets = Buffer.from('a\r\nb\rc\nd\r\r\n\n\0e\r\n\r', 'latin1')
  for (let cut = 0; cut <= octets.length; cut++) {
    const faults = new OctetFaults()
    faults.push(octets.subarray(0, cut))
    faults.push(octets.subarray(cut))
    faults.end()
    assert.deepEqual([faults.bareCr, faults.bareLf, faults.nul], [3, 2, 1], `cut at ${cut}`)
  }
})
