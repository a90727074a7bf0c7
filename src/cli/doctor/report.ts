/** Findings in words: what is well in short, what is not in full, and what to do first. */

import { styleText } from 'node:util'
import type { Finding, Level } from './finding.ts'

const LEVELS: readonly Level[] = ['fault', 'warning', 'note', 'ok']
const COLOURS = { fault: 'red', warning: 'yellow', note: 'cyan', ok: 'green' } as const

/** Paints a text, or leaves it. */
export type Paint = (level: Level, text: string) => string

/** Colours where a terminal shows them. */
export const coloured: Paint = (level, text) => styleText(COLOURS[level], text)

/** One finding: a line that can be skimmed; below it, what to do. */
export function findingText(finding: Finding, paint: Paint): string {
  const { level, looked, found, todo, publish = [] } = finding
  const lines = [`${paint(level, level.padEnd(8))} ${looked}: ${found}`]
  if (todo !== undefined) lines.push(`         ${publish.length > 0 ? `${todo}:` : todo}`)
  for (const line of publish) lines.push(`           ${line}`)
  return lines.join('\n')
}

/** How it stands, in a line or two. */
export function summaryText(findings: readonly Finding[], paint: Paint): string {
  const count = (level: Level): number => findings.filter(finding => finding.level === level && finding.unchecked !== true).length
  const blind = findings.filter(finding => finding.unchecked === true).length
  const parts = LEVELS.flatMap(level =>
    count(level) === 0 ? [] : [`${count(level)} ${level === 'ok' ? 'well' : plural(level, count(level))}`],
  )
  const unseen = blind === 0 ? [] : [`${blind} not checked`]
  const worst = LEVELS.find(level => count(level) > 0) ?? 'ok'
  const said = {
    fault: 'Not well: mail is lost, refused or unsafe until the faults above are mended.',
    warning: 'Mail works; the warnings above should be mended.',
    note: 'All is well. The notes above are for when you have time.',
    ok: 'All is well.',
  }[worst]
  return `\n${paint(worst === 'note' ? 'ok' : worst, said)}\n${[...parts, ...unseen].join(', ')}`
}

function plural(level: Level, count: number): string {
  return count === 1 ? level : `${level}s`
}
