/** `npm run bench -- NAME ...`: the benchmarks, for anyone; `--help` shows which there are. */

import { parseArgs } from 'node:util'
import { readArguments, wholeNumber } from '../tools/command-line.ts'

const benches: Readonly<Record<string, (asked: Wishes) => Promise<void>>> = {
  receive: async ({ rounds, scale, cells }) => (await import('./receive.ts')).receive(rounds, scale, cells),
  imap: async ({ rounds, messages, data, prepare }) => (await import('./imap.ts')).imap({ rounds, messages, data, prepare }),
  append: async ({ rounds, scale }) => (await import('./append.ts')).append({ rounds, messages: Math.round(1000 * scale) }),
  memory: async () => (await import('./memory.ts')).memory(),
  flood: async ({ scale }) => (await import('./flood.ts')).floodBench(scale),
  outbound: async ({ rounds, scale }) => (await import('./outbound.ts')).outbound(rounds, scale),
  'outbound-client': async ({ rounds, scale }) => (await import('./outbound-client.ts')).outboundClient(rounds, scale),
  queue: async ({ rounds, scale }) => (await import('./queue.ts')).queue(rounds, scale),
  dkim: async ({ rounds, scale }) => (await import('./dkim.ts')).dkim(rounds, scale),
  'sender-auth': async ({ rounds, scale }) => (await import('./sender-auth.ts')).senderAuthBench(rounds, scale),
  bayes: async ({ data }) => (await import('./bayes.ts')).bayesBench(data),
}

const help = `Usage: npm run bench -- [NAME ...] [options]

  NAME             ${Object.keys(benches).join(', ')};
                   default: receive, imap and memory
  --rounds N       how often; what is told is the median (default 3)
  --scale X        how much is done, as a share of the usual (default 1)
  --messages N     messages of a mailbox, for imap (default 10000)
  --cell SxO       for receive: only S sessions with messages of O octets, such as 10x102400; may come more than once
  --data DIR       for imap: keep the loaded mailboxes here for the next run; for bayes: the corpus
  --prepare        for imap: load the mailboxes and stop
  --help           this text
`

interface Wishes {
  readonly names: readonly string[]
  readonly rounds: number
  readonly scale: number
  readonly messages: number
  readonly cells: readonly string[]
  readonly data: string | undefined
  readonly prepare: boolean
}

function wishes(): Wishes {
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
  const unknown = positionals.find(name => !Object.hasOwn(benches, name))
  if (unknown !== undefined) throw new Error(`no benchmark is called ${unknown}: there are ${Object.keys(benches).join(', ')}`)
  const scale = Number(values.scale)
  if (!(scale > 0 && Number.isFinite(scale))) throw new Error(`--scale takes a number above 0, not "${values.scale}"`)
  const odd = values.cell.find(cell => !/^[1-9]\d*x[1-9]\d*$/.test(cell))
  if (odd !== undefined) throw new Error(`--cell takes SESSIONSxOCTETS such as 10x102400, not "${odd}"`)
  return {
    names: positionals.length > 0 ? positionals : ['receive', 'imap', 'memory'],
    rounds: wholeNumber('--rounds', values.rounds, 1),
    scale,
    messages: wholeNumber('--messages', values.messages, 1),
    cells: values.cell,
    data: values.data,
    prepare: values.prepare,
  }
}

const asked = readArguments(help, wishes)
for (const name of asked.names) await benches[name]?.(asked)
