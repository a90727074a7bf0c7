/** SEARCH and UID SEARCH: which messages are such. RFC 9051 §6.4.4, §6.4.9; RFC 4731; RFC 5182. */

import { bad, codes, ok, type Completion } from '../codes.ts'
import { command, type Command } from '../command.ts'
import type { Context, Numbering } from '../context.ts'
import { TEXT_KEYS } from '../limits.ts'
import { savedOf, tellExtended, tellOld, type Found } from '../search/answer.ts'
import { knowsCharset } from '../search/needle.ts'
import { runSearch } from '../search/run.ts'
import { searchPlan } from '../search/tests.ts'
import { SELECTED } from '../state.ts'
import { searchArguments, type ReturnOption, type SearchArguments } from '../wire/search-key.ts'

/** SEARCH. RFC 9051 §6.4.4. */
export const search: Command = command({
  name: 'SEARCH',
  rfc: 'RFC 9051 §6.4.4',
  states: SELECTED,
  expunge: 'keep',
  parse: searchArguments,
  run: (context, args) => run(context, args, 'seq'),
})

/** UID SEARCH. RFC 9051 §6.4.9. */
export const uidSearch: Command = command({
  name: 'UID SEARCH',
  rfc: 'RFC 9051 §6.4.9',
  states: SELECTED,
  parse: searchArguments,
  run: (context, args) => run(context, args, 'uid'),
})

async function run(context: Context, args: SearchArguments, numbering: Numbering): Promise<Completion> {
  const { view, enabled } = context
  // RFC 6855 §3: after UTF8=ACCEPT "the server MUST reject with BAD" a charset; IMAP4rev2 allows it again.
  if (enabled.utf8 && !enabled.rev2 && args.charset !== undefined) return bad('No charset after UTF8=ACCEPT')
  const saves = args.options?.includes('SAVE') === true
  if (!knowsCharset(args.charset)) return failed(context, saves, codes.badCharset)
  const plan = searchPlan(args.key, args.charset, context)
  if (plan.texts > TEXT_KEYS) return failed(context, saves, codes.tooManySearches)
  if (plan.usesModSeq) context.enableCondstore()
  let uids: readonly number[] | undefined
  try {
    uids = await runSearch(plan, context)
  } catch (error) {
    if (saves) view.saved = []
    throw error
  }
  if (uids === undefined) return failed(context, saves, codes.tooManySearches)
  const options = returned(args.options)
  if (saves) view.saved = savedOf(uids, options)
  const found: Found = { uids, numbering, usesModSeq: plan.usesModSeq }
  if (args.options === undefined && !enabled.rev2) await tellOld(context, found)
  // RFC 5182 §2.1: with SAVE alone nothing is told.
  else if (options.length > 0) tellExtended(context, found, options)
  return ok('Searched')
}

/** RFC 5182 §2.1: a SEARCH with SAVE that ends in NO leaves `$` empty. */
function failed({ view }: Context, saves: boolean, completion: Completion): Completion {
  if (saves) view.saved = []
  return completion
}

/** What to tell: RFC 9051 §6.4.4: "an empty list … is the same as ALL". */
function returned(options: readonly ReturnOption[] | undefined): readonly ReturnOption[] {
  if (options === undefined || options.length === 0) return ['ALL']
  return options.filter(option => option !== 'SAVE')
}
