/**
 * Sender authentication: CPU of one message through `senderAuth`, beside mailauth's `authenticate` and, where they are installed, beside
 * OpenDKIM and OpenDMARC as milters of Postfix. One RSA-2048 signature, relaxed/relaxed; DNS is a table, for the milters an nsd that is
 * not counted.
 */

import { connect } from 'node:net'
import { authenticate } from 'mailauth'
import type { HeaderEdits, MessageContext, Verdict } from 'mailwright/contracts'
import { accept } from 'mailwright/contracts'
import { generateKey } from 'mailwright/dkim'
import { senderAuth } from 'mailwright/filters/sender-auth'
import { dkimSigner } from 'mailwright/outbound'
import { fakeResolver } from 'mailwright/testing'
import { cost, messageOf } from './lib/cost.ts'
import { median, printTable } from './lib/figures.ts'
import { hasMilters, milters } from './lib/milters.ts'
import { postfix } from './lib/postfix.ts'

const CLIENT = '127.0.0.1'

/** All three, as a table. */
export async function senderAuthBench(rounds: number, scale: number): Promise<void> {
  const { privateKey, record } = await generateKey('rsa')
  const sign = dkimSigner({ keys: [{ domain: 'example.org', selector: 'bench', privateKey }] })
  const zone: Readonly<Record<string, string>> = {
    'example.org': 'v=spf1 ip4:127.0.0.1 -all',
    '_dmarc.example.org': 'v=DMARC1; p=reject',
    'bench._domainkey.example.org': record,
  }
  const rows: string[][] = []
  for (const size of [10_000, 1_000_000]) {
    const plain = messageOf(size)
    const content = { size: plain.length, read: (start: number, end: number): Uint8Array => plain.subarray(start, end) }
    const message = Buffer.concat([await sign({ content, prefix: new Uint8Array(0), sender: undefined }), plain])
    const calls = Math.ceil((size > 100_000 ? 80 : 1000) * scale)
    const ours = await cost(rounds, calls, ourMessage(message, zone))
    const theirs = await cost(rounds, calls, mailauthMessage(message, zone))
    const peers = hasMilters() ? await milterCost(message, zone, rounds, Math.ceil(calls / 2)) : undefined
    rows.push([
      `${size / 1000} kB`,
      ours.toFixed(3),
      theirs.toFixed(3),
      peers?.toFixed(3) ?? 'not installed',
      (theirs / ours).toFixed(1),
      peers === undefined ? '' : (peers / ours).toFixed(1),
    ])
  }
  printTable(['message', 'senderAuth ms', 'mailauth ms', 'OpenDKIM + OpenDMARC ms', 'mailauth / ours', 'milters / ours'], rows)
}

function ourMessage(message: Buffer, zone: Readonly<Record<string, string>>): () => Promise<void> {
  const resolver = fakeResolver({
    ...Object.fromEntries(Object.entries(zone).map(([name, text]) => [name, { txt: [text] }])),
    [CLIENT]: { ptr: ['client.example.org'] },
    'client.example.org': { a: [CLIENT] },
  })
  const filter = senderAuth({ resolver, hostname: 'mx.example.org' })
  return async () => {
    let field = ''
    const context: Partial<MessageContext> = {
      phase: 'message',
      connection: {
        id: 'c',
        protocol: 'smtp',
        remote: { address: CLIENT, port: 1 },
        local: { address: CLIENT, port: 25 },
        tls: undefined,
        clientName: 'client.example.org',
        principal: undefined,
      },
      signal: new AbortController().signal,
      trace: { note: () => undefined, later: () => () => undefined, symbol: () => undefined, symbols: [], entries: [] },
      shared: new Map(),
      envelope: { sender: { local: 'ann', domain: 'example.org' }, recipients: [{ local: 'box', domain: 'bench.example' }] },
      source: { size: message.length, read: (start, end) => message.subarray(start, end) },
      fields: [{ name: 'From', value: 'Ann Example <ann@example.org>' }],
      header: () => undefined,
      edits: { add: (_, value) => void (field = value), remove: () => undefined, replace: () => undefined } satisfies HeaderEdits,
    }
    await filter.message?.(context as MessageContext, (): Promise<Verdict> => Promise.resolve(accept()))
    if (!/spf=pass.*dkim=pass.*dmarc=pass.*iprev=pass/.test(field)) throw new Error(field)
  }
}

function mailauthMessage(message: Buffer, zone: Readonly<Record<string, string>>): () => Promise<void> {
  const resolver = (name: string, type: string): Promise<string[][]> => {
    const text = zone[name]
    if (type === 'TXT' && text !== undefined) return Promise.resolve([[text]])
    return Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }))
  }
  return async () => {
    const { headers } = await authenticate(message, {
      ip: CLIENT,
      helo: 'client.example.org',
      sender: 'ann@example.org',
      mta: 'mx.example.org',
      disableBimi: true,
      resolver,
    })
    if (!/dkim=pass[^]*spf=pass[^]*dmarc=pass/.test(headers)) throw new Error(headers)
  }
}

async function milterCost(message: Buffer, zone: Readonly<Record<string, string>>, rounds: number, calls: number): Promise<number> {
  const both = await milters(zone)
  const peer = await postfix({}, both.settings)
  const { smtpPort } = peer
  if (smtpPort === undefined) throw new Error('no port')
  try {
    await deliver(smtpPort, message, Math.ceil(calls / 4))
    const figures: number[] = []
    for (let round = 0; round < rounds; round++) {
      const before = both.group.seconds()
      await deliver(smtpPort, message, calls)
      figures.push(((both.group.seconds() - before) * 1000) / calls)
    }
    return median(figures)
  } finally {
    await peer.stop()
    await both.stop()
  }
}

/** Sends a message again and again over one connection; throws for every refusal. */
async function deliver(port: number, message: Buffer, count: number): Promise<void> {
  const octets = Buffer.concat([Buffer.from(message.toString('latin1').replaceAll('\r\n.', '\r\n..'), 'latin1'), Buffer.from('.\r\n')])
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const replies = socket[Symbol.asyncIterator]()
  let rest = ''
  const reply = async (wanted: string): Promise<void> => {
    for (;;) {
      const end = rest.indexOf('\r\n')
      if (end >= 0) {
        const line = rest.slice(0, end)
        rest = rest.slice(end + 2)
        if (line[3] === '-') continue
        if (!line.startsWith(wanted)) throw new Error(line)
        return
      }
      const { value, done } = (await replies.next()) as IteratorResult<Buffer>
      if (done === true) throw new Error('the server has left')
      rest += value.toString('latin1')
    }
  }
  await reply('220')
  socket.write('EHLO client.example.org\r\n')
  await reply('250')
  for (let left = count; left > 0; left--) {
    socket.write('MAIL FROM:<ann@example.org>\r\n')
    await reply('250')
    socket.write('RCPT TO:<box@bench.example>\r\n')
    await reply('250')
    socket.write('DATA\r\n')
    await reply('354')
    socket.write(octets)
    await reply('250')
  }
  socket.end('QUIT\r\n')
}
