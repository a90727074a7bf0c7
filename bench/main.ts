/**
 * `npm run bench -- receive | imap | memory | bayes | queue | sender-auth [--rounds N] [--scale X] [--messages N] [--data DIR] [--prepare]`: the benchmarks, for
 * anyone. `imap --data DIR` keeps the loaded mailboxes for the next run; with `--prepare` it only loads them.
 */

import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    messages: { type: 'string', default: '10000' },
    data: { type: 'string' },
    prepare: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const which = positionals.length > 0 ? positionals : ['receive', 'imap', 'memory']
for (const name of which) {
  if (name === 'receive') await (await import('./receive.ts')).receive(rounds, Number(values.scale))
  else if (name === 'imap')
    await (await import('./imap.ts')).imap({ rounds, messages: Number(values.messages), data: values.data, prepare: values.prepare })
  else if (name === 'memory') await (await import('./memory.ts')).memory()
  else if (name === 'outbound') await (await import('./outbound.ts')).outbound(rounds, Number(values.scale))
  else if (name === 'bayes') await (await import('./bayes.ts')).bayesBench(values.data)
  else if (name === 'sender-auth') await (await import('./sender-auth.ts')).senderAuthBench(rounds, Number(values.scale))
  else if (name === 'queue') await (await import('./queue.ts')).queue(rounds, Number(values.scale))
  else throw new Error(`no benchmark is called ${name}: receive, imap, memory, bayes, queue or sender-auth`)
}
