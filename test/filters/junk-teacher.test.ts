import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALL_UIDS } from 'mailwright/contracts'
import type { MailAccount, Mailbox, MailStore, Uid } from 'mailwright/contracts'
import { bayes } from 'mailwright/filters/bayes'
import { junkTeacher } from 'mailwright/filters/junk-teacher'
import type { JunkTeacher, JunkTeacherOptions, LessonGiven } from 'mailwright/filters/junk-teacher'
import { summarise } from 'mailwright/mime'
import { memoryState, memoryStore } from 'mailwright/stores/memory'
import { address, connectionOf, houseOf, spooled } from '../pipeline/house.ts'
import { mail, source } from './mails.ts'

interface Class {
  readonly store: MailStore
  readonly account: MailAccount
  readonly teacher: JunkTeacher
  readonly lessons: LessonGiven[]
  readonly box: (name: string) => Promise<Mailbox>
  /** Puts a message into a mailbox, as a delivery or an APPEND does. */
  readonly put: (name: string, number: number, internalDate?: number) => Promise<Uid>
  readonly said: () => Promise<string[]>
}

async function school(options: Partial<JunkTeacherOptions> = {}): Promise<Class> {
  const store = memoryStore()
  const account = await store.open('ann')
  for (const use of ['Junk', 'Trash', 'Archive', 'Sent'] as const) await account.create(use, { specialUse: use })
  const lessons: LessonGiven[] = []
  const errors: unknown[] = []
  const teacher = junkTeacher({
    store,
    pupils: [bayes({ state: memoryState() })],
    onLesson: lesson => lessons.push(lesson),
    report: error => errors.push(error),
    ...options,
  })
  await teacher.follow('ann')
  const box = async (name: string): Promise<Mailbox> => {
    const info = (await account.mailboxes()).find(mailbox => mailbox.name === name)
    assert.ok(info !== undefined, name)
    return account.mailbox(info.id)
  }
  return {
    store,
    account,
    teacher,
    lessons,
    box,
    async put(name, number, internalDate = Date.now()) {
      const text = mail('spam', number)
      const content = source(text)
      const octets = await content.read(0, content.size)
      const { uids } = await (await box(name)).append([{ content, summary: summarise(octets), flags: [], internalDate }])
      assert.ok(uids[0] !== undefined)
      return uids[0]
    },
    async said() {
      await teacher.settled()
      assert.deepEqual(errors, [])
      return lessons.map(({ as, why, result }) => `${as} (${why}): ${result}`)
    },
  }
}

const only = (uid: Uid): readonly { readonly first: Uid; readonly last: Uid }[] => [{ first: uid, last: uid }]

async function move(from: Mailbox, uid: Uid, to: Mailbox): Promise<Uid> {
  assert.ok(from.move !== undefined)
  const { to: uids } = await from.move(only(uid), to.id)
  assert.ok(uids[0] !== undefined)
  return uids[0]
}

test('a message moved into Junk is spam, moved out again it is not', async () => {
  const { put, box, said } = await school()
  const uid = await put('INBOX', 1)
  const there = await move(await box('INBOX'), uid, await box('Junk'))
  assert.deepEqual(await said(), ['spam (moved from INBOX to Junk): learned'])
  const back = await move(await box('Junk'), there, await box('INBOX'))
  await said()
  await move(await box('INBOX'), back, await box('Junk'))
  assert.deepEqual(await said(), [
    'spam (moved from INBOX to Junk): learned',
    'ham (moved from Junk to INBOX): changed',
    'spam (moved from INBOX to Junk): changed',
  ])
})

test('what the server or a client puts into Junk by itself teaches nothing, nor does emptying it', async () => {
  const { put, box, said } = await school()
  const uid = await put('Junk', 1)
  await put('Junk', 2)
  await move(await box('Junk'), uid, await box('Trash'))
  await (await box('Junk')).expunge(ALL_UIDS)
  assert.deepEqual(await said(), [])
})

test('a client without MOVE copies into Junk: what is too old for a delivery was put there by somebody', async () => {
  const { put, box, said } = await school()
  const uid = await put('INBOX', 1, Date.now() - 3_600_000)
  const inbox = await box('INBOX')
  await inbox.copy(only(uid), (await box('Junk')).id)
  await inbox.expunge(only(uid))
  await put('Junk', 2, Date.now() - 60_000)
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(await said(), ['spam (copied into Junk): learned'])
  const off = await school({ copies: false })
  await off.put('Junk', 3, 0)
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(await off.said(), [])
})

test('filing and answering say that mail was wanted; throwing it away says nothing', async () => {
  const { put, box, said } = await school()
  await move(await box('INBOX'), await put('INBOX', 1), await box('Archive'))
  await move(await box('INBOX'), await put('INBOX', 2), await box('Trash'))
  await (await box('INBOX')).flag(only(await put('INBOX', 3)), { kind: 'add', flags: ['\\Answered'] })
  await (await box('Junk')).flag(only(await put('Junk', 4)), { kind: 'add', flags: ['\\Answered'] })
  await (await box('INBOX')).flag(only(await put('INBOX', 5)), { kind: 'add', flags: ['\\Seen'] })
  assert.deepEqual(await said(), ['ham (filed from INBOX into Archive): learned', 'ham (answered): learned'])
})

test('the keywords that clients set teach, and a client that marks and moves teaches once (RFC 9051 §2.3.2)', async () => {
  const { put, box, said } = await school()
  const inbox = await box('INBOX')
  const uid = await put('INBOX', 1)
  await inbox.flag(only(uid), { kind: 'add', flags: ['$Junk'] })
  await said()
  await move(inbox, uid, await box('Junk'))
  assert.deepEqual(await said(), ['spam (marked $Junk): learned', 'spam (moved from INBOX to Junk): known'])
})

test('each way of teaching can be switched off', async () => {
  const { put, box, said } = await school({ filed: false, answered: false, keywords: false })
  const inbox = await box('INBOX')
  await inbox.flag(only(await put('INBOX', 1)), { kind: 'add', flags: ['$NotJunk', '\\Answered'] })
  await move(inbox, await put('INBOX', 2), await box('Archive'))
  assert.deepEqual(await said(), [])
})

test('a mailbox made later is known, and where none has the use the name counts', async () => {
  const { account, put, box, said } = await school()
  const junk = await box('Junk')
  await account.remove(junk.id)
  await account.create('Spam')
  await move(await box('INBOX'), await put('INBOX', 1), await box('Spam'))
  await account.create('Rubbish', { specialUse: 'Junk' })
  await move(await box('INBOX'), await put('INBOX', 2), await box('Rubbish'))
  assert.deepEqual(await said(), ['spam (moved from INBOX to Spam): learned', 'spam (moved from INBOX to Rubbish): learned'])
})

test('a message that is gone before its lesson teaches nothing and is no error', async () => {
  const { put, box, said } = await school()
  const uid = await move(await box('INBOX'), await put('INBOX', 1), await box('Junk'))
  await (await box('Junk')).expunge(only(uid))
  assert.deepEqual(await said(), [])
})

test('two teachers of one table, as in two processes, teach a move once', async () => {
  const pupil = bayes({ state: memoryState() })
  const { store, put, box, said, teacher, lessons } = await school({ pupils: [pupil] })
  const other = junkTeacher({ store, pupils: [pupil], onLesson: lesson => lessons.push(lesson) })
  await other.follow('ann')
  await move(await box('INBOX'), await put('INBOX', 1), await box('Junk'))
  await Promise.all([teacher.settled(), other.settled()])
  assert.deepEqual((await said()).map(text => text.replace(/.*: /, '')).sort(), ['known', 'learned'])
  assert.deepEqual(await pupil.learned('ann'), { spam: 1, ham: 0 })
})

test('accounts are watched from their first delivery or login on, a bounded number at a time', async () => {
  const store = memoryStore()
  const lessons: LessonGiven[] = []
  const teacher = junkTeacher({ store, accounts: 1, pupils: [bayes({ state: memoryState() })], onLesson: lesson => lessons.push(lesson) })
  const { host } = houseOf({ store, middleware: [teacher] })
  const deliver = async (to: string, number: number): Promise<void> => {
    const { reception } = await host.receive(connectionOf(), { sender: address('bob@example.com') })
    await reception.recipient(address(to))
    await reception.message(spooled(mail('spam', number)))
  }
  const junk = async (name: string): Promise<void> => {
    const account = await store.open(name)
    const inbox = (await account.mailboxes()).find(mailbox => mailbox.name === 'INBOX')
    assert.ok(inbox !== undefined)
    const there = await account.create('Junk', { specialUse: 'Junk' })
    await account.mailbox(inbox.id).move?.(ALL_UIDS, there.id)
    await teacher.settled()
  }
  await deliver('ann@example.org', 1)
  await deliver('ben@example.org', 2)
  await junk('ann')
  await junk('ben')
  assert.deepEqual(
    lessons.map(({ account }) => account),
    ['ben'],
  )
  await host.login(connectionOf('imap'), 'PLAIN', { kind: 'password', username: 'ann', password: 'correct horse' })
  await new Promise(resolve => setImmediate(resolve))
  await teacher.follow('ann')
  const account = await store.open('ann')
  const boxes = new Map((await account.mailboxes()).map(({ name, id }) => [name, id]))
  await account.mailbox(boxes.get('Junk') ?? '').move?.(ALL_UIDS, boxes.get('INBOX') ?? '')
  await teacher.settled()
  assert.equal(lessons.at(-1)?.account, 'ann')
  await teacher.close()
})
