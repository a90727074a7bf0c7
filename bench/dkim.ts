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
import { cost, messageOf } from './lib/cost.ts'
import { printTable } from './lib/figures.ts'

const DOMAIN = 'example.org'

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
