import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MailError } from 'mailwright/contracts'
import type { Middleware } from 'mailwright/contracts'
import { address, connectionOf, houseOf, mailOf, spooled } from './house.ts'

test('symbols of the connection and of each phase lie in one scale, and a second transaction starts with the connection’s own', async () => {
  const seen: string[][] = []
  const scale: Middleware = {
    name: 'scale',
    connect(context, next) {
      context.trace.symbol('DNSBL_TEST', 4, 'listed\u0007')
      return next()
    },
    recipient(context, next) {
      context.trace.symbol('RCPT_ODD', 1)
      context.trace.symbol('RCPT_ODD', 1.5)
      return next()
    },
    async message(context, next) {
      const verdict = await next()
      seen.push(context.trace.symbols.map(({ name, score }) => `${name} ${score}`))
      return verdict
    },
  }
  const below: Middleware = {
    name: 'below',
    message(context, next) {
      context.trace.symbol('BAYES_HAM', -2)
      return next()
    },
  }
  const house = houseOf({ middleware: [scale, below] })
  const connection = connectionOf('lmtp')
  await house.host.connect(connection)
  for (let at = 0; at < 2; at++) {
    const { reception } = await house.host.receive(connection, { sender: address('zoe@far.example') })
    await reception.recipient(address('ann@example.org'))
    await reception.message(spooled('From: zoe@far.example\n\nHello\n'))
  }
  assert.deepEqual(seen, [
    ['DNSBL_TEST 4', 'RCPT_ODD 1.5', 'BAYES_HAM -2'],
    ['DNSBL_TEST 4', 'RCPT_ODD 1.5', 'BAYES_HAM -2'],
  ])
  assert.equal(JSON.stringify(house.told('message').at(-1)?.['trace']).includes('listed\\\\u{7}'), true)
  assert.equal((await mailOf(house.store, 'ann')).length, 2)
})

test('a symbol has a plain name and a finite score; anything else is a fault of the middleware', async () => {
  const faults: unknown[] = []
  const odd: Middleware = {
    name: 'odd',
    message(context, next) {
      for (const [name, score] of [
        ['lower', 1],
        ['A\r\nB', 1],
        ['NAN', Number.NaN],
      ] as const) {
        try {
          context.trace.symbol(name, score)
        } catch (error) {
          faults.push(error instanceof MailError ? error.kind : error)
        }
      }
      return next()
    },
  }
  const house = houseOf({ middleware: [odd] })
  const { reception } = await house.host.receive(connectionOf('lmtp'), { sender: undefined })
  await reception.recipient(address('ann@example.org'))
  await reception.message(spooled('From: zoe@far.example\n\nHello\n'))
  assert.deepEqual(faults, ['invalid', 'invalid', 'invalid'])
})
