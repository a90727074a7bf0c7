import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressScope, canonicalIpAddress, isPublicAddress, parseIpAddress } from '../../src/bytes/ip-address.ts'
import { SPECIAL } from './special-addresses.ts'

test('S29: what every address is for (RFC 6890 §2.2, RFC 4291 §2.5.5)', () => {
  for (const [scope, addresses] of Object.entries(SPECIAL))
    for (const address of addresses) {
      assert.equal(addressScope(address), scope, address)
      assert.equal(isPublicAddress(address), scope === 'public', address)
    }
})

test('S29: other spellings of addresses are no addresses', () => {
  const spellings = [
    '',
    ' ',
    '1',
    '127.1',
    '127.0.1',
    '0177.0.0.1',
    '0x7f.0.0.1',
    '0x7f000001',
    '2130706433',
    '127.0.0.01',
    '127.0.0.1.',
    '127.0.0.1 ',
    ' 127.0.0.1',
    '127.0.0.256',
    '127.0.0.-1',
    '127.0.0.1/8',
    '1.2.3.4.5',
    '１２７.0.0.1',
    '[::1]',
    '::1%lo',
    'fe80::1%1',
    ':::',
    '1::2::3',
    '::ffff:127.0.0',
    '::ffff:0127.0.0.1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8:9',
    '12345::',
    'g::1',
    '::1.2.3.4:5',
    '1.2.3.4::',
    ':1',
    '1:',
    `${'0:'.repeat(40)}1`,
    '127.0.0.1\0',
    '127.0.0.1\n',
  ]
  for (const text of spellings) {
    assert.equal(parseIpAddress(text), undefined, JSON.stringify(text))
    assert.equal(isPublicAddress(text), false, JSON.stringify(text))
  }
})

test('one spelling for each address', () => {
  assert.equal(canonicalIpAddress('::FFFF:9.1.1.1'), '9.1.1.1')
  assert.equal(canonicalIpAddress('2001:0DB8::0001'), '2001:db8:0:0:0:0:0:1')
  assert.equal(canonicalIpAddress('2001:db8:0:0::1'), '2001:db8:0:0:0:0:0:1')
  assert.equal(canonicalIpAddress('example.org'), undefined)
})
