/** For tests: conformance suites, the transcript runner, and fakes of everything the contracts leave open. */

export { fakeClock } from './fake-clock.ts'
export type { FakeClock } from './fake-clock.ts'
export { FAKE_TLS, fakeConnection } from './fake-transport.ts'
export type { FakeConnectionOptions, FakePeer } from './fake-transport.ts'
export { memorySpool } from './memory-spool.ts'
export type { MemorySpool, MemorySpoolOptions } from './memory-spool.ts'
export { seededRandom } from './seeded-random.ts'
export type { SeededRandom } from './seeded-random.ts'
export { transcript } from './transcript.ts'
export type { TranscriptSource, TranscriptSubject } from './transcript-subject.ts'
export {
  mailStoreSuite,
  type ConformanceCase,
  type StoreFactory,
  type StorePower,
  type StoreSuiteOptions,
} from './store/index.ts'
