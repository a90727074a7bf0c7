import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTransport } from 'nodemailer'
import { wireTo } from './cut.ts'
import { doorFor, password, started, user } from './started.ts'
import { Deeds, TRANSPORTS } from './table.ts'

test(
  'nodemailer sends over every transport, and a message that breaks off in DATA leaves nothing (RFC 5321 §4.1.1.4)',
  { timeout: 60_000 },
  async () => {
    await using server = await started()
    const deeds = new Deeds('nodemailer')
    const content = Buffer.alloc(1_000_000, 'A line of seventy octets or so, again and again.\r\n')
    let sent = 0
    for (const transport of TRANSPORTS) {
      await using wire = await wireTo(server.port(doorFor('smtp', transport)))
      const mail = { from: user, to: user, subject: `over ${transport}`, text: '.a dot\r\n', attachments: [{ content }] }
      const mailer = createTransport({
        host: '127.0.0.1',
        port: wire.port,
        secure: transport === 'implicit',
        requireTLS: transport === 'starttls',
        ignoreTLS: transport === 'plain',
        tls: { rejectUnauthorized: false },
        auth: { user, pass: password },
      })
      wire.breakAfter(600_000, 'to the server')
      await assert.rejects(mailer.sendMail(mail))
      await server.nothingArrives()
      assert.equal((await server.mail()).length, sent, 'half a message is none')
      wire.mend()
      await mailer.sendMail(mail)
      const texts = await server.mail()
      assert.equal(texts.length, ++sent)
      assert.match(texts.at(-1) ?? '', transport === 'plain' ? /with ESMTPA id/ : /with ESMTPSA id/)
      deeds.did(transport, 'send', 'reconnect')
      mailer.close()
    }
    deeds.complete()
  },
)
