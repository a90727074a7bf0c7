/** A relay for everything, whose mail waits until it is told to send: prints its port, sends on SIGUSR1. */

import { join } from 'node:path'
import { createMailServer } from 'mailwright'
import { sqliteStore } from 'mailwright/stores/sqlite'

const [folder = '', sinkPort = ''] = process.argv.slice(2)
const store = sqliteStore({ path: join(folder, 'mail') })
const everything = { from: 'load@elsewhere.example' }
await store.queue.pause(everything)
const server = createMailServer({
  hostname: 'mail.bench.example',
  store,
  directory: { serves: async () => false, resolve: async () => ({ kind: 'relay' }) },
  authenticator: { verify: async () => undefined },
  listeners: { smtp: 0 },
  outbound: {
    routes: Array.from({ length: 50 }, (_, at) => ({
      domain: `d${at}.example`,
      to: { host: `127.0.1.${at + 1}`, port: Number(sinkPort) },
    })),
    destination: { initialConcurrency: 5, maxConcurrency: 20 },
    maxConcurrency: 100,
  },
})
await server.listen()
console.log(JSON.stringify({ port: server.ports.smtp }))
process.on('SIGUSR1', () => void store.queue.resume(everything))
process.once('SIGTERM', () => {
  void server.close().then(async () => {
    await store.close()
    process.exit(0)
  })
})
