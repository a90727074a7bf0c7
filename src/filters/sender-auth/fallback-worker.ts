/** The thread on which `mailauth` judges what we do not know: hostile mail may keep it busy, never the one that serves. S18. */

import { parentPort } from 'node:worker_threads'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'

/** What the thread is told. */
export type ToFallback =
  | { readonly kind: 'verify'; readonly octets: Uint8Array }
  | { readonly kind: 'answer'; readonly question: number; readonly records: readonly string[] | undefined }

/** A signature as `mailauth` sees it. */
export interface FallbackVerdict {
  readonly domain: string
  readonly selector: string
  readonly result: string
}

/** What the thread tells. */
export type FromFallback =
  | { readonly kind: 'question'; readonly question: number; readonly name: string }
  | { readonly kind: 'verdicts'; readonly verdicts: readonly FallbackVerdict[] }

const waiting = new Map<number, (records: readonly string[] | undefined) => void>()
let asked = 0

function tell(message: FromFallback): void {
  parentPort?.postMessage(message)
}

async function resolver(name: string, type: string): Promise<string[][]> {
  const records =
    type === 'TXT'
      ? await new Promise<readonly string[] | undefined>(resolve => {
          waiting.set(++asked, resolve)
          tell({ kind: 'question', question: asked, name })
        })
      : []
  if (records === undefined) throw Object.assign(new Error('DNS did not answer'), { code: 'ESERVFAIL' })
  if (records.length === 0) throw Object.assign(new Error('no such record'), { code: 'ENOTFOUND' })
  return records.map(record => [record])
}

async function verdictsOf(octets: Uint8Array): Promise<readonly FallbackVerdict[]> {
  const { results } = await dkimVerify(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength), {
    resolver,
    rejectRsaSha1: true,
  })
  return results.map(({ signingDomain, selector, status }) => ({
    domain: (signingDomain ?? '').toLowerCase(),
    selector: (selector ?? '').toLowerCase(),
    result: status.result,
  }))
}

parentPort?.on('message', (message: ToFallback) => {
  if (message.kind === 'answer') {
    waiting.get(message.question)?.(message.records)
    waiting.delete(message.question)
    return
  }
  verdictsOf(message.octets).then(
    verdicts => tell({ kind: 'verdicts', verdicts }),
    () => tell({ kind: 'verdicts', verdicts: [] }),
  )
})
