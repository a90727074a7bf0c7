/** What the benches of signatures share: a message as people write them, and the processor time of one call. */

import { median } from './figures.ts'

/** Calls under way at a time, so that the thread pool is used as a server would use it. */
const AT_ONCE = 8

/** A message of about `size` octets from ann@example.org, not signed. */
export function messageOf(size: number): Buffer {
  const header = [
    'Received: from client.example.org ([192.0.2.1]) by mx.example.org with ESMTPSA id 4kXyz; Tue, 24 Nov 2026 08:00:00 +0000',
    'From: Ann Example <ann@example.org>',
    'To: Bob Example <bob@example.net>, Carol <carol@example.com>',
    'Subject: Minutes of our meeting on Monday, and what is left to do',
    'Date: Tue, 24 Nov 2026 08:00:00 +0000',
    'Message-ID: <20261124080000.1234@example.org>',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
  ].join('\r\n')
  const line = 'We met on Monday and  talked about the plans for the coming year, \tline by line.\r\n'
  return Buffer.from(`${header}\r\n\r\n${line.repeat(Math.ceil((size - header.length) / line.length))}`)
}

/** CPU milliseconds of one call, `AT_ONCE` running at a time; the median of the rounds. */
export async function cost(rounds: number, calls: number, call: () => Promise<unknown>): Promise<number> {
  const loop = async (count: number): Promise<void> => {
    for (let left = count; left > 0; left -= AT_ONCE) await Promise.all(Array.from({ length: Math.min(left, AT_ONCE) }, () => call()))
  }
  await loop(Math.ceil(calls / 4))
  const rows: number[] = []
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage()
    await loop(calls)
    const { user, system } = process.cpuUsage(before)
    rows.push((user + system) / 1000 / calls)
  }
  return median(rows)
}
