/** Writes what was found: Authentication-Results and Received-SPF. RFC 8601 §2.2, §2.7; RFC 7208 §9.1; RFC 8616 §4. */

import type { SpfOutcome } from '../../spf/index.ts'
import { isHostName } from './host-name.ts'
import type { Findings } from './findings.ts'

/** Signatures that are told; the rest stands in the trace. */
const MOST_TOLD = 10

/** The value of Authentication-Results. Names of strangers are written only where they are nothing but names (S20). */
export function resultsValue(id: string, { spf, signatures, dmarc, arc, iprev, bimi }: Findings): string {
  const parts = [id]
  if (spf.domain !== '' && isHostName(spf.domain))
    parts.push(`spf=${spf.result} ${spf.identity === 'helo' ? 'smtp.helo' : 'smtp.mailfrom'}=${spf.domain}`)
  else parts.push(`spf=${spf.result}`)
  if (signatures.length === 0) parts.push('dkim=none')
  for (const { result, reason, domain, selector, keyBits, beginning, testing } of signatures.slice(0, MOST_TOLD)) {
    const comments = [keyBits === undefined ? '' : `${keyBits}-bit key`, testing === true ? 'testing' : '', reason ?? ''].filter(
      text => text !== '',
    )
    parts.push(
      [
        `dkim=${result}`,
        ...(comments.length === 0 ? [] : [`(${comments.join(', ')})`]),
        ...(domain === undefined ? [] : [`header.d=${domain}`]),
        ...(selector === undefined ? [] : [`header.s=${selector}`]),
        ...(beginning === undefined ? [] : [`header.b="${beginning}"`]),
      ].join(' '),
    )
  }
  const policy = dmarc.published === undefined ? '' : ` (p=${dmarc.published}${dmarc.requested === dmarc.published ? '' : ' testing'})`
  parts.push(`dmarc=${dmarc.result}${policy}${dmarc.domain === undefined ? '' : ` header.from=${dmarc.domain}`}`)
  // Said in any case: who seals the message reads it from here.
  parts.push(`arc=${arc.result}${arc.sealers.length === 0 ? '' : ` (${arc.sealers.slice(-5).join(' ')})`}`)
  if (iprev !== undefined)
    parts.push(`iprev=${iprev.result}${iprev.name === undefined ? '' : ` (${iprev.name})`} policy.iprev="${iprev.address}"`)
  if (bimi !== undefined) parts.push(`bimi=pass header.d=${bimi.domain} header.selector=default`)
  return parts.join('; ')
}

const WORDS: Readonly<Record<SpfOutcome['result'], string>> = {
  pass: 'permits',
  fail: 'does not permit',
  softfail: 'does not quite permit',
  neutral: 'does not say whether it permits',
  none: 'does not designate permitted senders for',
  temperror: 'could not be asked about',
  permerror: 'publishes a faulty record about',
}

/** The value of Received-SPF. */
export function receivedSpfValue(id: string, spf: SpfOutcome, client: string, helo: string): string {
  const domain = isHostName(spf.domain) ? spf.domain : 'unknown'
  const fields = [
    `receiver=${id}`,
    `identity=${spf.identity}`,
    `client-ip=${client}`,
    ...(spf.identity === 'mailfrom' ? [`envelope-from="@${domain}"`] : []),
    ...(isHostName(helo.toLowerCase()) ? [`helo=${helo.toLowerCase()}`] : []),
  ]
  return `${spf.result} (${id}: domain ${domain} ${WORDS[spf.result]} ${client}) ${fields.join('; ')}`
}
