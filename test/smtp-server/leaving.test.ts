import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leavingKeywords, leavingWishes } from '../../src/smtp-server/leaving.ts'

const NOW = Date.UTC(2026, 10, 24, 12)
const wishes = (text: string): unknown =>
  leavingWishes(
    new Map(
      text
        .split(' ')
        .filter(Boolean)
        .map(word => [word.split('=')[0] ?? '', word.includes('=') ? word.slice(word.indexOf('=') + 1) : true]),
    ),
    NOW,
  )

test('when a message may leave, and by when (RFC 4865 §4.2, §5.2; RFC 2852 §4; RFC 6710 §4.1)', () => {
  const cases: readonly (readonly [text: string, wanted: unknown])[] = [
    ['', {}],
    ['HOLDFOR=3600', { notBefore: NOW + 3_600_000 }],
    ['HOLDUNTIL=2026-11-25T12:00:00Z', { notBefore: NOW + 86_400_000 }],
    ['HOLDUNTIL=2026-11-25T13:00:00+01:00', { notBefore: NOW + 86_400_000 }],
    ['BY=120;R', { deliverBy: { at: NOW + 120_000, mode: 'return' } }],
    ['BY=+120;R', { deliverBy: { at: NOW + 120_000, mode: 'return' } }],
    ['BY=60;R', { deliverBy: { at: NOW + 60_000, mode: 'return' } }],
    // RFC 2852 §3: less than was announced; who only wants to hear may come as late as they like.
    ['BY=59;R', 'too-soon'],
    ['BY=59;N', { deliverBy: { at: NOW + 59_000, mode: 'notify' } }],
    ['BY=-120;N', { deliverBy: { at: NOW - 120_000, mode: 'notify' } }],
    ['BY=120;NT', { deliverBy: { at: NOW + 120_000, mode: 'notify' } }],
    ['MT-PRIORITY=-9', { priority: -9 }],
    ['MT-PRIORITY=3 HOLDFOR=1', { priority: 3, notBefore: NOW + 1000 }],
    ['HOLDFOR=60 BY=120;R', { notBefore: NOW + 60_000, deliverBy: { at: NOW + 120_000, mode: 'return' } }],
    ...[
      'HOLDFOR',
      'HOLDFOR=0',
      'HOLDFOR=604801',
      'HOLDFOR=-1',
      'HOLDFOR=1 HOLDUNTIL=2026-11-25T12:00:00Z',
      'HOLDUNTIL=tomorrow',
      'HOLDUNTIL=2026-99-25T12:00:00Z',
    ]
      .concat(['BY=0;R', 'BY=-5;R', 'BY=5', 'BY=5;X', 'BY', 'MT-PRIORITY=10', 'MT-PRIORITY=', 'MT-PRIORITY', 'HOLDFOR=120 BY=60;R'])
      .map(text => [text, undefined] as const),
  ]
  for (const [text, wanted] of cases) assert.deepEqual(wishes(text), wanted, text)
  assert.deepEqual(leavingKeywords(NOW), ['DSN', 'FUTURERELEASE 604800 2026-12-01T12:00:00Z', 'DELIVERBY 60', 'MT-PRIORITY'])
})
