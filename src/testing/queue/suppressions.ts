/** The addresses that get no mail from us. */

import type { Suppression } from '../../contracts/index.ts'
import { type QueueCase, type QueueWorld, same } from './world.ts'

function listOf(world: QueueWorld): NonNullable<QueueWorld['suppressions']> {
  if (world.suppressions === undefined) throw new Error('there is no suppression list')
  return world.suppressions
}

async function allOf(world: QueueWorld): Promise<readonly Suppression[]> {
  const entries: Suppression[] = []
  for await (const entry of listOf(world).suppressions()) entries.push(entry)
  return entries
}

const gone: Suppression = { address: 'gone@example.org', reason: 'hard-bounce', since: 5, text: '550 no such user' }
const angry: Suppression = { address: 'angry@example.org', reason: 'complaint', since: 6 }

export const suppressionCases: readonly QueueCase[] = [
  {
    name: 'Suppressed addresses are told, with why and since when, until they are taken out',
    needs: ['suppressions'],
    async run(world) {
      const list = listOf(world)
      await list.suppress(gone)
      await list.suppress(angry)
      const spellings = [gone.address, 'GONE@Example.ORG', '"gone"@example.org']
      same(
        'those of the addresses that are, however they are spelt',
        await list.suppressed(['x@example.org', ...spellings]),
        spellings.map(address => ({ ...gone, address })),
      )
      same('all, by address', await allOf(world), [angry, gone])
      await list.suppress({ ...gone, address: 'Gone@EXAMPLE.org', reason: 'operator', since: 9 })
      same('again replaces', await list.suppressed([gone.address]), [{ ...gone, reason: 'operator', since: 9 }])
      await list.unsuppress('"GONE"@example.org')
      await list.unsuppress('nobody@example.org')
      same('one is left', await allOf(world), [angry])
    },
  },
  {
    name: 'A long list is told whole, in order',
    needs: ['suppressions'],
    async run(world) {
      const list = listOf(world)
      const addresses = Array.from({ length: 1100 }, (_, at) => `r${String((at * 7919) % 1100).padStart(4, '0')}@example.org`)
      await Promise.all(addresses.map(address => list.suppress({ address, reason: 'unsubscribed', since: 1 })))
      same(
        'all, by address',
        (await allOf(world)).map(({ address }) => address),
        [...addresses].sort(),
      )
    },
  },
  {
    name: 'The list survives a crash',
    needs: ['suppressions', 'reopen'],
    async run(world) {
      await listOf(world).suppress(gone)
      await listOf(world).suppress(angry)
      await listOf(world).unsuppress(angry.address)
      await world.crash()
      same('it is as it was', await allOf(world), [gone])
    },
  },
]
