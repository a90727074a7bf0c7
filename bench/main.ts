/** `npm run bench -- receive | imap | memory [--rounds N] [--scale X] [--messages N]`: the benchmarks, for anyone. */

import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    messages: { type: 'string', default: '10000' },
  },
})
const rounds = Number(values.rounds)
const which = positionals.length > 0 ? positionals : ['receive', 'imap', 'memory']
for (const name of which) {
  if (name === 'receive') await (await import('./receive.ts')).receive(rounds, Number(values.scale))
  else if (name === 'imap') await (await import('./imap.ts')).imap(rounds, Number(values.messages))
  else if (name === 'memory') await (await import('./memory.ts')).memory()
  else throw new Error(`no benchmark is called ${name}: receive, imap or memory`)
}
