/** ID: who is who, for statistics and bug reports. RFC 2971 §3. */

import { bad, ok } from '../codes.ts'
import { command, type Command } from '../command.ts'
import { ANY_STATE } from '../state.ts'

/** RFC 2971 §3.3: "at most 30" pairs, names of at most 30 octets, values of at most 1,024. */
const MOST_PAIRS = 30

/** ID. RFC 2971 §3. */
export const id: Command = command({
  name: 'ID',
  rfc: 'RFC 2971 §3',
  states: ANY_STATE,
  parse(p) {
    p.sp()
    if (!p.isOpen()) return p.nstring() === undefined ? [] : p.fail('NIL or a list')
    return p.list(() => p.nstring() ?? '', { empty: true })
  },
  run(context, fields) {
    if (fields.length > 2 * MOST_PAIRS || fields.length % 2 === 1) return bad('That are no pairs of fields and values')
    const named = fields.findIndex((field, at) => at % 2 === 0 && field.toLowerCase() === 'name')
    const name = named < 0 ? undefined : fields[named + 1]
    if (name !== undefined && name !== '') context.connection.clientName = name.replace(/\p{Cc}+/gu, ' ').slice(0, 200)
    const { out } = context
    out.text('* ID (')
    let first = true
    for (const [field, value] of Object.entries(context.house.settings.id)) {
      if (!first) out.text(' ')
      first = false
      out.string(field).text(' ').string(value)
    }
    out.text(')\r\n')
    return ok('Nice to meet you')
  },
})
