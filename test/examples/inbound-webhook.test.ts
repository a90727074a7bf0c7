import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { createTransport } from 'nodemailer'
import { webhookServer } from '../../examples/inbound-webhook.ts'
import type { InboundMessage } from '../../examples/inbound-webhook.ts'

test(
  'examples/inbound-webhook.ts accepts only what the endpoint took, and names a message alike each time',
  { timeout: 30_000 },
  async () => {
    const answers = [503, 204, 422]
    const taken: InboundMessage[] = []
    const endpoint = createServer((request, response) => {
      void text(request).then(body => {
        taken.push(JSON.parse(body) as InboundMessage)
        response.writeHead(answers.shift() ?? 500).end()
      })
    }).listen(0, '127.0.0.1')
    await once(endpoint, 'listening')
    await using server = await webhookServer(`http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/`, 'example.org')
    await server.listen()
    const sender = createTransport({ host: '127.0.0.1', port: server.ports.smtp, ignoreTLS: true })
    const message = {
      from: 'zoe@far.example',
      to: 'orders@example.org',
      subject: 'Order 7',
      text: 'Two, please',
      date: new Date(0),
      messageId: '<7@far.example>',
      attachments: [{ filename: 'list.csv', content: 'a,b' }],
    }
    const boundary = { ...message, baseBoundary: 'same' }
    await assert.rejects(sender.sendMail(boundary), /451 4\.3\.0/)
    await sender.sendMail(boundary)
    await assert.rejects(sender.sendMail(boundary), /550 5\.6\.0|554 5\.6\.0/)
    sender.close()
    const [first, second] = taken
    assert.equal(taken.length, 3)
    assert.equal(first?.key, second?.key)
    assert.deepEqual(
      [second?.from, second?.to, second?.subject, second?.text?.trim()],
      ['zoe@far.example', ['orders@example.org'], 'Order 7', 'Two, please'],
    )
    assert.deepEqual(second?.attachments, [{ filename: 'list.csv', contentType: 'text/csv', base64: 'YSxi' }])
    const closed = once(endpoint, 'close')
    endpoint.close()
    endpoint.closeAllConnections()
    await closed
  },
)
