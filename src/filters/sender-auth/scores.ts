/** The symbols of sender authentication and what they weigh. */

import type { Findings } from './findings.ts'

/** A symbol that `senderAuth` can give. */
export type SenderAuthSymbol = keyof typeof SENDER_AUTH_SCORES

/** What each weighs unless the host says otherwise. */
export const SENDER_AUTH_SCORES: {
  readonly SPF_PASS: number
  readonly SPF_FAIL: number
  readonly SPF_SOFTFAIL: number
  readonly SPF_NEUTRAL: number
  readonly SPF_NONE: number
  readonly SPF_TEMPERROR: number
  readonly SPF_PERMERROR: number
  readonly DKIM_PASS: number
  readonly DKIM_FAIL: number
  readonly DKIM_TEMPERROR: number
  readonly DKIM_NONE: number
  readonly DKIM_UNCOVERED: number
  readonly DKIM_MANY: number
  readonly DMARC_PASS: number
  readonly DMARC_FAIL: number
  readonly DMARC_NONE: number
  readonly DMARC_TEMPERROR: number
  readonly DMARC_ODD_FROM: number
  readonly ARC_PASS: number
  readonly ARC_FAIL: number
  readonly ARC_TRUSTED: number
  readonly IPREV_PASS: number
  readonly IPREV_FAIL: number
} = Object.freeze({
  SPF_PASS: 0,
  SPF_FAIL: 2,
  SPF_SOFTFAIL: 1,
  SPF_NEUTRAL: 0.5,
  SPF_NONE: 0.5,
  SPF_TEMPERROR: 0,
  SPF_PERMERROR: 1,
  DKIM_PASS: 0,
  DKIM_FAIL: 0.5,
  DKIM_TEMPERROR: 0,
  DKIM_NONE: 0,
  DKIM_UNCOVERED: 1,
  DKIM_MANY: 1,
  DMARC_PASS: -0.5,
  DMARC_FAIL: 4,
  DMARC_NONE: 0,
  DMARC_TEMPERROR: 0,
  DMARC_ODD_FROM: 8,
  ARC_PASS: 0,
  ARC_FAIL: 0.5,
  ARC_TRUSTED: -2,
  IPREV_PASS: 0,
  IPREV_FAIL: 1,
})

/** What findings put into the scale, each with what it rests on. */
export function symbolsOf({ spf, signatures, signatureCount, dmarc, arc, iprev }: Findings): ReadonlyMap<SenderAuthSymbol, string> {
  const symbols = new Map<SenderAuthSymbol, string>()
  symbols.set(`SPF_${spf.result.toUpperCase() as Uppercase<typeof spf.result>}`, spf.domain)
  const passed = signatures.filter(({ result }) => result === 'pass')
  const named = (some: typeof signatures): string => some.map(({ domain }) => domain ?? 'a name that is none').join(', ')
  if (signatureCount === 0) symbols.set('DKIM_NONE', 'no signature')
  else if (passed.length > 0) symbols.set('DKIM_PASS', named(passed))
  else if (signatures.some(({ result }) => result === 'temperror')) symbols.set('DKIM_TEMPERROR', named(signatures))
  else symbols.set('DKIM_FAIL', named(signatures))
  const open = passed.filter(({ uncovered }) => uncovered !== undefined)
  if (open.length > 0)
    symbols.set('DKIM_UNCOVERED', open.map(({ domain, uncovered }) => `${domain ?? ''} leaves the ${uncovered ?? ''} open`).join(', '))
  if (signatureCount > signatures.length) symbols.set('DKIM_MANY', `${signatureCount} signatures`)
  if (dmarc.result === 'permerror') symbols.set('DMARC_ODD_FROM', dmarc.reason ?? '')
  else symbols.set(`DMARC_${dmarc.result.toUpperCase() as Uppercase<typeof dmarc.result>}`, dmarc.domain ?? '')
  if (arc.result !== 'none') symbols.set(arc.result === 'pass' ? 'ARC_PASS' : 'ARC_FAIL', arc.reason ?? arc.sealers.join(', '))
  if (arc.vouchedBy !== undefined) symbols.set('ARC_TRUSTED', arc.vouchedBy)
  if (iprev?.result === 'pass') symbols.set('IPREV_PASS', iprev.name ?? '')
  else if (iprev !== undefined && iprev.result !== 'temperror') symbols.set('IPREV_FAIL', iprev.address)
  return symbols
}
