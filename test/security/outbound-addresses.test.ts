import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressScope, canonicalIpAddress, isPublicAddress, parseIpAddress } from '../../src/bytes/ip-address.ts'

const SPECIAL: Readonly<Record<string, readonly string[]>> = {
  loopback: [
    '127.0.0.1',
    '127.255.255.254',
    '127.1.2.3',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '64:ff9b::127.0.0.1',
    '2002:7f00:1::',
    '::ffff:0:127.0.0.1',
  ],
  unspecified: ['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0', '64:ff9b::'],
  private: [
    '10.0.0.0',
    '10.255.255.255',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '192.168.255.255',
    'fc00::1',
    'fdff::1',
    'fec0::1',
    '::ffff:10.1.2.3',
    '::ffff:192.168.1.1',
    '64:ff9b::a00:1',
    '2002:a00:1::1',
    '2002:c0a8:101::',
    '::10.0.0.1',
  ],
  'link-local': ['169.254.0.1', '169.254.255.255', 'fe80::1', 'febf::1', '::ffff:169.254.1.1'],
  shared: ['100.64.0.0', '100.127.255.255', '::ffff:100.64.0.1', '64:ff9b::6440:1'],
  metadata: [
    '169.254.169.254',
    '169.254.170.2',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    'fd00:ec2::254',
    'fd20:ce::254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
  ],
  documentation: [
    '192.0.2.1',
    '198.51.100.7',
    '203.0.113.255',
    '2001:db8::1',
    '2001:db8:ffff::',
    '3fff::1',
    '3fff:fff::1',
    '::ffff:192.0.2.1',
  ],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1', '::ffff:224.0.0.1'],
  reserved: [
    '192.0.0.1',
    '192.88.99.1',
    '198.18.0.1',
    '198.19.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '100::1',
    '2001::1',
    '2001:2::1',
    '2001:10::1',
    '2001:20::1',
    '5f00::1',
    '64:ff9b:1::1',
    '4000::1',
    '1::1',
    '8000::',
    'e000::1',
    '::ffff:255.255.255.255',
  ],
  public: [
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.1',
    '169.253.255.255',
    '169.255.0.1',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.1',
    '192.167.255.255',
    '192.169.0.1',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2001:200::1',
    '2600::1',
    '2a00:1450::1',
    '2003::1',
    '3ffe::1',
    '2001:db7::1',
    '2001:db9::1',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
    '2002:808:808::1',
  ],
}

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
