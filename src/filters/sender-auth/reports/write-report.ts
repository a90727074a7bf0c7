/** Writes an aggregate report. RFC 9990 §3.1, appendix A. */

import type { DmarcReport, ReportedPolicy, ReportedRow } from '../../../contracts/index.ts'

/** The report as XML. Pure. */
export function writeDmarcReport({ organisation, email, id, begin, end, policy, records }: DmarcReport): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">',
    '<version>1.0</version>',
    `<report_metadata>${tag('org_name', organisation)}${tag('email', email)}${tag('report_id', id)}<date_range>${tag('begin', String(begin))}${tag('end', String(end))}</date_range></report_metadata>`,
    published(policy),
    ...records.map(row),
    '</feedback>',
    '',
  ].join('\n')
}

function published({ domain, p, sp, np, adkim, aspf, testing }: ReportedPolicy): string {
  const tags = [
    tag('discovery_method', 'treewalk'),
    tag('domain', domain),
    tag('p', p),
    sp === undefined ? '' : tag('sp', sp),
    np === undefined ? '' : tag('np', np),
    adkim === undefined ? '' : tag('adkim', adkim),
    aspf === undefined ? '' : tag('aspf', aspf),
    tag('testing', testing === true ? 'y' : 'n'),
  ]
  return `<policy_published>${tags.join('')}</policy_published>`
}

function row({ ip, count, disposition, dkim, spf, reasons, headerFrom, envelopeFrom, dkimResults, spfResults }: ReportedRow): string {
  const evaluated = [
    tag('disposition', disposition),
    tag('dkim', dkim),
    tag('spf', spf),
    ...reasons.map(type => `<reason>${tag('type', type)}</reason>`),
  ]
  const identifiers = [tag('header_from', headerFrom), envelopeFrom === undefined ? '' : tag('envelope_from', envelopeFrom)]
  const results = [
    ...dkimResults.map(one => `<dkim>${tag('domain', one.domain)}${tag('selector', one.selector)}${tag('result', one.result)}</dkim>`),
    ...spfResults.map(one => `<spf>${tag('domain', one.domain)}${tag('scope', 'mfrom')}${tag('result', one.result)}</spf>`),
  ]
  return `<record><row>${tag('source_ip', ip)}${tag('count', String(count))}<policy_evaluated>${evaluated.join('')}</policy_evaluated></row><identifiers>${identifiers.join('')}</identifiers><auth_results>${results.join('')}</auth_results></record>`
}

const ESCAPES: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;', "'": '&apos;' }

function tag(name: string, text: string): string {
  const clean = text.toWellFormed().replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
  return `<${name}>${clean.replace(/[<>&"']/g, character => ESCAPES[character] ?? '')}</${name}>`
}
