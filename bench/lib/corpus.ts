/** Messages as people have them: plain, alternative, with attachments, with replies; the same ones for the same seed. */

const WORDS =
  'the of project and meeting to report in server a budget for week please attached draft on review with update we release can schedule you team next is plan invoice customer from order question about design this'.split(
    ' ',
  )
const NAMES = ['Ann Archer', 'Bob Baker', 'Chloé Dubois', 'Dmitri Orlov', 'Eve Evans', 'Frank Fischer', 'Grace Hill', 'Håkon Lie']

/** A small generator of its own, so that every run sees the same mail. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** The `n`th message; about 9.8 KB in the mean, CRLF line ends. */
export function message(n: number): Buffer {
  const random = seeded(n + 1)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const sentence = (): string => Array.from({ length: 6 + Math.floor(random() * 10) }, () => pick(WORDS)).join(' ')
  const paragraph = (octets: number): string => {
    let text = ''
    while (text.length < octets) text += `${sentence()}.\r\n`
    return text
  }
  const name = (): string => {
    const full = pick(NAMES)
    return /^[ -~]*$/.test(full) ? full : `=?utf-8?B?${Buffer.from(full).toString('base64')}?=`
  }
  const date = new Date(Date.UTC(2024, 0, 1) + n * 3_600_000).toUTCString().replace('GMT', '+0000')
  const address = (): string => `${name()} <${pick(WORDS)}.${Math.floor(random() * 500)}@${pick(WORDS)}.example>`
  const head = [
    `Return-Path: <bounce-${n}@lists.example>`,
    `Received: from relay-${n % 7}.example ([192.0.2.${n % 250}])\r\n\tby mx.bench.example with ESMTPS id ${n.toString(36)};\r\n\t${date}`,
    `Message-ID: <${n}.${Math.floor(random() * 1e9)}@mail.example>`,
    `Date: ${date}`,
    `From: ${address()}`,
    `To: ${Array.from({ length: 1 + Math.floor(random() * 4) }, address).join(',\r\n\t')}`,
    ...(random() < 0.3 ? [`Cc: ${address()}`] : []),
    `Subject: ${random() < 0.4 ? 'Re: ' : ''}${sentence().slice(0, 60)}`,
    ...(random() < 0.5
      ? [`In-Reply-To: <${n - 1}.0@mail.example>`, `References: <${n - 2}.0@mail.example>\r\n <${n - 1}.0@mail.example>`]
      : []),
    'MIME-Version: 1.0',
    `X-Mailer: Bench ${n % 9}`,
  ]
  const kind = random()
  if (kind < 0.45) {
    return Buffer.from(
      `${[...head, 'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 7bit'].join('\r\n')}\r\n\r\n${paragraph(800 + random() * 3500)}`,
    )
  }
  const boundary = `=_bench_${n}`
  const alternative = `Content-Type: text/plain; charset=utf-8\r\n\r\n${paragraph(1000 + random() * 2000)}\r\n--${boundary}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>${paragraph(1500 + random() * 5000)}</p></body></html>\r\n`
  if (kind < 0.85) {
    return Buffer.from(
      `${[...head, `Content-Type: multipart/alternative; boundary="${boundary}"`].join('\r\n')}\r\n\r\n--${boundary}\r\n${alternative}--${boundary}--\r\n`,
    )
  }
  const octets = Buffer.alloc(Math.floor(8000 + random() * 60_000), n & 255)
  const encoded = octets.toString('base64').replace(/.{76}/g, '$&\r\n')
  return Buffer.from(
    `${[...head, `Content-Type: multipart/mixed; boundary="${boundary}"`].join('\r\n')}\r\n\r\n--${boundary}\r\n${alternative}--${boundary}\r\nContent-Type: application/pdf; name="report-${n}.pdf"\r\nContent-Disposition: attachment; filename="report-${n}.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n${encoded}\r\n--${boundary}--\r\n`,
  )
}
