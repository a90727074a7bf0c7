import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Credentials, Scope } from 'mailwright/contracts'
import { memoryDirectory } from 'mailwright/directories/memory'
import { directorySuite, type TestableDirectory } from 'mailwright/testing'

type Broken = Partial<TestableDirectory>

/** Each bug is what a directory does otherwise than the sound one below it. */
const bugs: Readonly<Record<string, (sound: TestableDirectory) => Broken>> = {
  'a domain that is not served answers as unknown': sound => ({
    resolve: async (address, options) => {
      const found = await sound.resolve(address, options)
      return found.kind === 'remote' ? { kind: 'unknown' } : found
    },
  }),
  'every domain is served': () => ({ serves: async () => true }),
  'local parts are compared with their case': sound => ({
    resolve: async (address, options) => {
      const found = await sound.resolve(address, options)
      const exact = found.kind !== 'account' || found.detail !== undefined || found.account.address.startsWith(`${address.local}@`)
      return exact ? found : { kind: 'unknown' }
    },
  }),
  'letters beyond ASCII are folded': sound => ({
    resolve: (address, options) => sound.resolve({ ...address, local: address.local.replace('ss', 'ß') }, options),
  }),
  'dots in local parts are ignored': sound => ({
    resolve: async (address, options) => {
      const found = await sound.resolve(address, options)
      return found.kind === 'unknown' ? sound.resolve({ ...address, local: address.local.replace('annlee', 'ann.lee') }, options) : found
    },
  }),
  'the detail is lost': sound => ({
    resolve: async (address, options) => {
      const found = await sound.resolve(address, options)
      return found.kind === 'account' ? { kind: 'account', account: found.account } : found
    },
  }),
  'the detail comes before a whole address with a plus': sound => ({
    resolve: (address, options) => sound.resolve({ ...address, local: address.local.split('+')[0] ?? '' }, options),
  }),
  'an alias has one target': sound => ({
    setAlias: (address, targets, options) => sound.setAlias(address, targets.slice(0, 1), options),
  }),
  'an alias keeps its old targets': sound => ({
    setAlias: async (address, targets, options) => {
      const old = (await sound.aliases()).find(alias => alias.address.toLowerCase() === address.toLowerCase())
      await sound.setAlias(address, [...new Set([...(old?.targets ?? []), ...targets])], options)
    },
  }),
  'aliases are followed': sound => ({
    resolve: async (address, options) => {
      const found = await sound.resolve(address, options)
      const [first = ''] = found.kind === 'alias' ? found.targets : []
      const at = first.lastIndexOf('@')
      return found.kind === 'alias' ? sound.resolve({ local: first.slice(0, at), domain: first.slice(at + 1) }, options) : found
    },
  }),
  'the catch-all takes nothing': sound => ({
    resolve: async (address, options) => {
      const all = (await sound.aliases()).some(alias => alias.address === `@${address.domain}`)
      const found = await sound.resolve(address, options)
      return all && found.kind === 'alias' ? { kind: 'unknown' } : found
    },
  }),
  'a disabled account logs in': () => ({
    disable: async () => undefined,
  }),
  'a disabled account looks unknown to mail': sound => ({
    resolve: async (address, options) => {
      const found = await sound.resolve(address, options)
      return found.kind === 'account' && found.account.disabled ? { kind: 'unknown' } : found
    },
  }),
  'scopes of app passwords are ignored': sound => ({
    addAppPassword: (address, label, _scopes, options) => sound.addAppPassword(address, label, ['imap', 'pop3', 'smtp'], options),
  }),
  'a removed app password works still': () => ({ removeAppPassword: async () => undefined }),
  'an app password is told again': sound => {
    const secrets: string[] = []
    return {
      addAppPassword: async (...given) => {
        const secret = await sound.addAppPassword(...given)
        secrets.push(secret)
        return secret
      },
      appPasswords: async (address, options) => (await sound.appPasswords(address, options)).map(one => ({ ...one, secret: secrets[0] })),
    }
  },
  'unknown users throw instead of failing': sound => ({
    verify: async (credentials: Credentials, scope: Scope) => {
      const principal = await sound.verify(credentials, scope)
      const known = credentials.kind !== 'password' || (await sound.accounts()).some(({ address }) => address === credentials.username)
      if (!known && principal === undefined) throw new Error('no such user')
      return principal
    },
  }),
  'passwords are trimmed': sound => ({
    verify: (credentials, scope) =>
      sound.verify(credentials.kind === 'password' ? { ...credentials, password: credentials.password.trim() } : credentials, scope),
  }),
  'a new password does not end the old one': () => ({ setPassword: async () => undefined }),
  'whoever logs in may act for anybody': sound => ({
    verify: (credentials, scope) =>
      sound.verify(
        credentials.kind === 'password'
          ? { kind: 'password', username: credentials.username, password: credentials.password }
          : credentials,
        scope,
      ),
  }),
  'a domain goes with what is in it': sound => ({
    removeDomain: async (domain, options) => {
      for (const { address } of await sound.accounts()) if (address.endsWith(`@${domain}`)) await sound.removeAccount(address)
      await sound.removeDomain(domain, options)
    },
  }),
  'limits cannot be taken away': sound => ({
    setQuota: async (address, quota, options) => (quota === undefined ? undefined : sound.setQuota(address, quota, options)),
  }),
}

test('the kit catches every bug that is sown in a directory', async t => {
  const missed: string[] = []
  for (const [bug, sow] of Object.entries(bugs)) {
    const make = async (): Promise<TestableDirectory> => {
      const sound: TestableDirectory = memoryDirectory({ hashCost: { memory: 8, passes: 1 } })
      const broken = sow(sound)
      return new Proxy(sound, {
        get(target, name) {
          const value: unknown = Reflect.get(broken, name) ?? Reflect.get(target, name)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    }
    let caught = false
    for (const { run } of directorySuite({ make })) {
      caught = await run().then(
        () => false,
        (error: unknown) => error instanceof assert.AssertionError,
      )
      if (caught) break
    }
    if (!caught) missed.push(bug)
  }
  const all = Object.keys(bugs).length
  t.diagnostic(`${all - missed.length} of ${all} sown bugs were caught`)
  assert.deepEqual(missed, [], 'every bug is caught')
})
