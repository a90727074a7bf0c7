import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { personalFiles, personalServer } from 'mailwright/server'
import type { PersonalServer } from 'mailwright/server'

const ports = { smtp: 0, submission: 0, submissions: 0, lmtp: 0, imap: 0, imaps: 0, pop3: 0, pop3s: 0 }

async function aliasesOf({ directory }: PersonalServer): Promise<readonly string[]> {
  return (await directory.aliases()).map(({ address, targets }) => `${address} > ${targets.join(', ')}`)
}

test('postmaster and abuse lead to the first account, unless they lead elsewhere already (RFC 2142 §2, §4)', async t => {
  const data = mkdtempSync(join(tmpdir(), 'personal-'))
  t.after(() => rmSync(data, { recursive: true }))
  {
    await using personal = await personalServer({ data, domain: 'home.test', user: 'ann@home.test', ports })
    assert.deepEqual(await aliasesOf(personal), ['abuse@home.test > ann@home.test', 'postmaster@home.test > ann@home.test'])
    await personal.directory.setAlias('abuse@home.test', ['desk@far.example'])
    await personal.directory.removeAlias('postmaster@home.test')
    await personal.directory.addAccount({ address: 'postmaster@home.test', password: 'correct horse' })
    await personal.directory.addDomain('other.test')
  }
  {
    await using personal = await personalServer({ data, ports })
    assert.deepEqual(await aliasesOf(personal), ['abuse@home.test > desk@far.example'])
  }
})

test('a catch-all takes mail for the postmaster too (RFC 5321 §4.5.1)', async t => {
  const data = mkdtempSync(join(tmpdir(), 'personal-'))
  t.after(() => rmSync(data, { recursive: true }))
  {
    await using personal = await personalServer({ data, domain: 'home.test', ports })
    for (const role of ['abuse', 'postmaster']) await personal.directory.removeAlias(`${role}@home.test`)
    await personal.directory.setAlias('@home.test', ['me@home.test'])
  }
  {
    await using personal = await personalServer({ data, ports })
    assert.deepEqual(await aliasesOf(personal), ['@home.test > me@home.test'])
  }
  assert.ok(existsSync(personalFiles(data).tlsReports), 'what TLS came to is kept for the daily reports')
})
