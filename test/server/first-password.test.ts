/** The password that a first start makes up is known to the operator or void, wherever that start is killed. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { personalFiles, personalServer, type PersonalServer } from 'mailwright/server'

const ports = { smtp: 0, submission: 0, submissions: 0, lmtp: 0, imap: 0, imaps: 0, pop3: 0, pop3s: 0 }
const [, , role, folder = '', place = ''] = process.argv

if (role === 'start') await startUntilKilled()
else defineTests()

/** The child: dies without any clean-up at a line of progress, or when it has shown the guide. */
async function startUntilKilled(): Promise<void> {
  const die = (): void => void process.kill(process.pid, 'SIGKILL')
  await personalServer({
    data: folder,
    ports,
    filters: false,
    outbound: false,
    progress: line => {
      if (line.startsWith(place)) die()
    },
    show: guide => {
      process.stdout.write(guide)
      if (place === 'shown') die()
    },
  })
}

async function killedAt(data: string, where: string): Promise<string> {
  const child = spawn(process.execPath, ['--conditions=mailwright-source', import.meta.filename, 'start', data, where], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const said: Buffer[] = []
  child.stdout.on('data', (octets: Buffer) => void said.push(octets))
  const [, signal] = (await once(child, 'close')) as [number | null, string | null]
  assert.equal(signal, 'SIGKILL', 'it came that far')
  return Buffer.concat(said).toString()
}

function dataFolder(t: TestContext): string {
  const data = mkdtempSync(join(tmpdir(), 'personal-'))
  t.after(() => rmSync(data, { recursive: true }))
  return data
}

async function mayLogIn({ directory, user }: PersonalServer, password: string): Promise<boolean> {
  return (await directory.verify({ kind: 'password', username: user, password }, 'imap')) !== undefined
}

function passwordIn(guide: string): string {
  return / password {11}(\S+)\n/.exec(guide)?.[1] ?? ''
}

function defineTests(): void {
  for (const where of ['making the account', 'looking after the development certificate', 'opening the doors', 'shown']) {
    test(`a first start that is killed (${where}) leaves the next one to make a password and show it`, async t => {
      const data = dataFolder(t)
      const before = passwordIn(await killedAt(data, where))
      assert.equal(before !== '', where === 'shown')
      const shown: string[] = []
      {
        await using personal = await personalServer({ data, ports, filters: false, outbound: false, show: guide => void shown.push(guide) })
        const { password = '', firstStart } = personal
        assert.deepEqual([shown, firstStart], [[personal.guide], true])
        assert.match(password, /^[a-z2-9]{5}(-[a-z2-9]{5}){3}$/)
        assert.equal(passwordIn(personal.guide), password)
        assert.equal(await mayLogIn(personal, password), true)
        assert.equal(await mayLogIn(personal, before), false, 'what was shown by a start that did not get further is void')
        for (const file of globSync('**/*', { cwd: data }).map(name => join(data, name))) {
          if (statSync(file).isFile()) assert.equal(readFileSync(file).includes(password), false, `${file} does not hold the password`)
        }
      }
      assert.equal(existsSync(personalFiles(data).awaited), false)
      await using again = await personalServer({ data, ports, filters: false, outbound: false })
      assert.deepEqual([again.firstStart, again.password], [false, undefined], 'it is not shown again')
      assert.equal(await mayLogIn(again, passwordIn(shown[0] ?? '')), true)
    })
  }

  test('a password that was set after a start that was killed stays', async t => {
    const data = dataFolder(t)
    await killedAt(data, 'opening the doors')
    {
      await using given = await personalServer({ data, ports, filters: false, outbound: false, password: 'correct horse' })
      assert.equal(await mayLogIn(given, 'correct horse'), true)
    }
    await using personal = await personalServer({ data, ports, filters: false, outbound: false })
    assert.deepEqual([personal.firstStart, personal.password], [false, undefined])
    assert.equal(await mayLogIn(personal, 'correct horse'), true)
  })

  test('an account that a killed start left without a password is named, with the command that gives it one', async t => {
    const data = dataFolder(t)
    await killedAt(data, 'opening the doors')
    const told: string[] = []
    const notice = (text: string): void => void told.push(text)
    await using other = await personalServer({ data, user: 'ann@home.test', ports, filters: false, outbound: false, notice })
    assert.equal(other.user, 'ann@home.test')
    assert.equal(told.length, 1)
    assert.match(told[0] ?? '', /^me@home\.test has no password: .*"mailwright user password me@home\.test --data \S+" gives it one\.$/)
  })

  test('an account that was made without a password by somebody else is left so', async t => {
    const data = dataFolder(t)
    {
      await using personal = await personalServer({ data, user: 'me@home.test', ports, filters: false, outbound: false })
      await personal.directory.addAccount({ address: 'archive@home.test' })
    }
    await using personal = await personalServer({ data, user: 'archive@home.test', ports, filters: false, outbound: false })
    assert.equal(personal.password, undefined)
    assert.equal(await personal.directory.hasPassword('archive@home.test'), false)
  })

  test('a password does not count before it was shown, and none is left by a start that cannot show it', async t => {
    const data = dataFolder(t)
    await assert.rejects(
      personalServer({ data, ports, filters: false, outbound: false, show: () => Promise.reject(new Error('nobody is there')) }),
      /nobody is there/,
    )
    await using personal = await personalServer({ data, ports, filters: false, outbound: false })
    assert.equal(personal.firstStart, true)
    assert.equal(await mayLogIn(personal, personal.password ?? ''), true)
  })
}
