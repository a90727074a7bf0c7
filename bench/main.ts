/**
 * `npm run bench -- NAME ... [--rounds N] [--scale X] [--messages N] [--cell SxO] [--data DIR] [--prepare]`: the benchmarks, for anyone. Without a name:
 * `receive`, `imap` and `memory`. `receive --cell 10x102400` measures only that many sessions with messages of that many octets. `imap --data DIR` keeps the loaded mailboxes for the next run; with `--prepare` it only loads them.
 */

import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    messages: { type: 'string', default: '10000' },
    cell: { type: 'string', multiple: true, default: [] },
    data: { type: 'string' },
    prepare: { type: 'boolean', default: false },
  },
})
const { data, prepare } = values
const rounds = Number(values.rounds)
const scale = Number(values.scale)

const benches: Readonly<Record<string, () => Promise<void>>> = {
  receive: async () => (await import('./receive.ts')).receive(rounds, scale, values.cell),
  imap: async () => (await import('./imap.ts')).imap({ rounds, messages: Number(values.messages), data, prepare }),
  append: async () => (await import('./append.ts')).append({ rounds, messages: Math.round(1000 * scale) }),
  memory: async () => (await import('./memory.ts')).memory(),
  flood: async () => (await import('./flood.ts')).floodBench(scale),
  outbound: async () => (await import('./outbound.ts')).outbound(rounds, scale),
  'outbound-client': async () => (await import('./outbound-client.ts')).outboundClient(rounds, scale),
  queue: async () => (await import('./queue.ts')).queue(rounds, scale),
  dkim: async () => (await import('./dkim.ts')).dkim(rounds, scale),
  'sender-auth': async () => (await import('./sender-auth.ts')).senderAuthBench(rounds, scale),
  bayes: async () => (await import('./bayes.ts')).bayesBench(data),
}

for (const name of positionals.length > 0 ? positionals : ['receive', 'imap', 'memory']) {
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined
  if (bench === undefined) {
    console.error(`No benchmark is called ${name}. There are: ${Object.keys(benches).join(', ')}.`)
    process.exit(2)
  }
  await bench()
}
