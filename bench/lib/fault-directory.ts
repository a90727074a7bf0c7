/** The same as `fault-store.ts` with a directory: changes to accounts while some call to the disk fails. Arguments: the folder, the report's file. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type SqliteDirectory, sqliteDirectory } from 'mailwright/directories/sqlite'
import { type DirectoryReport, told } from './fault-report.ts'

const [, , folder = '', file = ''] = process.argv

const report: DirectoryReport = { attempts: [], accounts: {}, aliases: {}, gone: [], unsure: [], isOver: false }
process.on('exit', () => writeFileSync(file, JSON.stringify(report)))

async function step<T>(name: string, act: () => T | Promise<T>, about: string = '', isReading: boolean = false): Promise<T | undefined> {
  for (const attempt of [1, 2]) {
    try {
      const value = await act()
      report.attempts.push({ name, attempt, isReading })
      return value
    } catch (error) {
      report.attempts.push({ name, attempt, isReading, fault: told(error) })
      if (about !== '') report.unsure.push(about)
    }
  }
  return undefined
}

/** Whether it was done, also by a first time that was refused all the same. */
async function change(name: string, about: string, act: (directory: SqliteDirectory) => Promise<unknown>): Promise<boolean> {
  const done = await step(name, () => act(directory as SqliteDirectory).then(() => true), about)
  return done === true
}

const rules = { hashCost: { memory: 1024, passes: 1 } } as const
const directory = await step('open', () => sqliteDirectory({ path: join(folder, 'directory.db'), ...rules }))
if (directory !== undefined) {
  await change('add a domain', 'home.test', it => it.addDomain('home.test'))
  for (const [local, password] of [
    ['ann', 'correct horse 1'],
    ['bob', 'correct horse 2'],
    ['eve', 'correct horse 3'],
  ] as const) {
    const address = `${local}@home.test`
    if (await change('add an account', address, it => it.addAccount({ address, password }))) report.accounts[address] = password
  }
  if (await change('set a password', 'bob@home.test', it => it.setPassword('bob@home.test', 'battery staple 4'))) {
    report.accounts['bob@home.test'] = 'battery staple 4'
  }
  if (await change('set an alias', 'all@home.test', it => it.setAlias('all@home.test', ['ann@home.test', 'bob@home.test']))) {
    report.aliases['all@home.test'] = ['ann@home.test', 'bob@home.test']
  }
  if (await change('remove an account', 'eve@home.test', it => it.removeAccount('eve@home.test'))) {
    delete report.accounts['eve@home.test']
    report.gone.push('eve@home.test')
  }
  await step('resolve', () => directory.resolve({ local: 'ann', domain: 'home.test' }), '', true)
  await step(
    'verify',
    () => directory.verify({ kind: 'password', username: 'ann@home.test', password: 'correct horse 1' }, 'imap'),
    '',
    true,
  )
  await step('list', () => directory.accounts(), '', true)
  await step('close', () => directory.close())
}
report.isOver = true
