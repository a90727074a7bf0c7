/** The personal server's parts with the limits of connections taken away: a thousand clients of one address are an attack elsewhere. */

import { join } from 'node:path'
import { createMailServer } from 'mailwright'
import { sqliteDirectory } from 'mailwright/directories/sqlite'
import { developmentCertificate } from 'mailwright/net'
import { sqliteStore } from 'mailwright/stores/sqlite'

const [folder = '', user = '', password = ''] = process.argv.slice(2)
const store = sqliteStore({ path: join(folder, 'mail') })
const directory = sqliteDirectory({ path: join(folder, 'directory.db') })
await directory.addDomain(user.slice(user.indexOf('@') + 1))
await directory.addAccount({ address: user, password })
const server = createMailServer({
  hostname: 'mail.bench.example',
  store,
  directory,
  tls: developmentCertificate(join(folder, 'tls'), ['mail.bench.example']),
  listeners: { lmtp: 0, imap: 0, imaps: 0 },
  allowPlaintextLogin: 'loopback',
  connections: { total: 5000, perAddress: 5000, perNetwork: 5000 },
  imap: { sessionsPerAccount: 5000 },
})
await server.listen()
console.log(JSON.stringify({ ports: server.ports }))
process.once('SIGTERM', () => {
  void server.close().then(async () => {
    await store.close()
    process.exit(0)
  })
})
