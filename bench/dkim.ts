/**
 * DKIM: CPU of one signature made and one verified, ours beside mailauth and nodemailer in the same run. RSA of 2048 bits and Ed25519;
 * messages of 10 kB and 1 MB. All threads count: what the thread pool signs is in the figures.
 */

import { dkimSign } from 'mailauth/lib/dkim/sign.js'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import {
  bodyRequest,
  BodyHasher,
  generateKey,
  KeyCache,
  parseSignature,
  readSignableHeader,
  verifySignature,
  type KeyType,
} from 'mailwright/dkim'
import { dkimSigner } from 'mailwright/outbound'
import nodemailer from 'nodemailer'
import { median, printTable } from './lib/figures.ts'

const DOMAIN = 'example.org'
const AT_ONCE = 8

function messageOf(size: number): Buffer {
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
async function cost(rounds: number, calls: number, call: () => Promise<unknown>): Promise<number> {
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

/** Signing and verifying, as a table. */
export async function dkim(rounds: number, scale: number): Promise<void> {
  const rows: string[][] = []
  for (const size of [10_000, 1_000_000])
    for (const type of ['rsa', 'ed25519'] as const)
      rows.push(...(await measured(type, size, rounds, Math.ceil(((size > 100_000 ? 60 : 1000) * scale) / 2))))
  printTable(['message', 'key', 'what', 'ours ms', 'mailauth ms', 'nodemailer ms', 'mailauth / ours'], rows)
}

async function measured(type: KeyType, size: number, rounds: number, calls: number): Promise<string[][]> {
  const { privateKey, record } = await generateKey(type)
  const message = messageOf(size)
  const content = { size: message.length, read: (start: number, end: number): Uint8Array => message.subarray(start, end) }
  const sign = dkimSigner({ keys: [{ domain: DOMAIN, selector: 'bench', privateKey }] })
  const prefix = new Uint8Array(0)
  const ours = (): Promise<Uint8Array> => sign({ content, prefix, sender: undefined })
  const signatureData = [{ signingDomain: DOMAIN, selector: 'bench', privateKey }]
  const theirs = async (): Promise<void> => {
    const { errors } = await dkimSign(message, {
      signingDomain: DOMAIN,
      selector: 'bench',
      privateKey,
      canonicalization: 'relaxed/relaxed',
      signatureData,
    })
    if (errors.length > 0) throw new Error('mailauth did not sign')
  }
  const transport = nodemailer.createTransport({
    streamTransport: true,
    buffer: true,
    dkim: { domainName: DOMAIN, keySelector: 'bench', privateKey },
  })
  const mailer = (): Promise<unknown> => transport.sendMail({ envelope: { from: 'ann@example.org', to: 'bob@example.net' }, raw: message })

  const signed = Buffer.concat([await ours(), message])
  const keys = new KeyCache()
  const lookup = (): Promise<readonly string[]> => Promise.resolve([record])
  const verify = async (): Promise<void> => {
    const { fields, bodyStart } = readSignableHeader(signed)
    const signatures = fields.filter(({ key }) => key === 'dkim-signature').map(field => parseSignature(field))
    const hasher = new BodyHasher(signatures.flatMap(signature => ('fault' in signature ? [] : [bodyRequest(signature)])))
    hasher.push(signed.subarray(bodyStart))
    const bodyHash = hasher.finish()
    for (const signature of signatures) {
      const { result } = await verifySignature(signature, { fields, bodyHash, lookup, keys })
      if (result !== 'pass') throw new Error(result)
    }
  }
  const verifyTheirs = async (): Promise<void> => {
    const { results } = await dkimVerify(signed, { resolver: () => Promise.resolve([[record]]) })
    if (results[0]?.status.result !== 'pass') throw new Error(results[0]?.status.result)
  }
  const figures = async (
    what: string,
    own: () => Promise<unknown>,
    other: () => Promise<unknown>,
    third?: () => Promise<unknown>,
  ): Promise<string[]> => {
    const [mine, mailauths, nodemailers] = [
      await cost(rounds, calls, own),
      await cost(rounds, calls, other),
      third === undefined ? undefined : await cost(rounds, calls, third),
    ]
    return [
      `${size / 1000} kB`,
      type,
      what,
      mine.toFixed(3),
      mailauths.toFixed(3),
      nodemailers?.toFixed(3) ?? '',
      (mailauths / mine).toFixed(1),
    ]
  }
  return [await figures('sign', ours, theirs, type === 'rsa' ? mailer : undefined), await figures('verify', verify, verifyTheirs)]
}
