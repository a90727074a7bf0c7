/** The command line of a personal server refuses values that cannot be, with the way out, before anything is made. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { personalOptions } from 'mailwright/server'

const slips: readonly (readonly [option: string, value: string, told: RegExp])[] = [
  ['domain', 'a..b', /^--domain takes a domain such as home\.test, not "a\.\.b"$/],
  ['user', 'ann', /^--user takes an address such as me@home\.test, not "ann"$/],
  ['password', 'short', /^--password takes at least 8 characters$/],
  ['smtp-port', '65536', /^--smtp-port takes a number from 0 to 65535, not "65536"$/],
  ['mx-port', '0', /^--mx-port takes a number from 1 to 65535, not "0"$/],
  ['dnsbl', 'bl.example.net,a..b', /^--dnsbl takes zones such as bl\.example\.net, not "a\.\.b"$/],
  ['filters', 'some', /^--filters takes default or none, not "some"$/],
  ['tls-policy', 'always', /^--tls-policy takes opportunistic or require, not "always"$/],
  ['key-days', 'x', /^--key-days takes a number of days, not "x"$/],
  ['smarthost', 'mail', /^--smarthost takes HOST:PORT such as smtp\.example\.net:587, not "mail"$/],
]

for (const [option, value, told] of slips) {
  test(`--${option} ${value} is refused`, () => {
    assert.throws(() => personalOptions({ [option]: value }), { code: 'MW_OPTION', message: told })
  })
}

test('lists may be written with spaces, and a domain in letters of its own', () => {
  const { domain, filters } = personalOptions({ domain: 'bücher.example', dnsbl: 'bl.example.net, bl.example.org' })
  assert.deepEqual([domain, filters], ['bücher.example', { dnsbl: ['bl.example.net', 'bl.example.org'] }])
})
