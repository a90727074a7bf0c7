import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { none } from './none.ts'
import { root } from './tree.ts'

interface Floor {
  readonly minimum: string
  readonly why: string
}

interface Installed {
  readonly name: string
  readonly version: string
  readonly folder: string
}

const floors = JSON.parse(readFileSync(join(import.meta.dirname, 'advisory-floors.json'), 'utf8')) as Readonly<Record<string, Floor>>

function packageAt(folder: string): Installed[] {
  const file = join(root, folder, 'package.json')
  if (!existsSync(file)) return []
  const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string }
  return [{ name: name ?? '', version: version ?? '', folder }, ...packagesIn(join(folder, 'node_modules'))]
}

/** Every installed package, the copies inside other packages included. */
function packagesIn(modules: string): Installed[] {
  if (!existsSync(join(root, modules))) return []
  return readdirSync(join(root, modules), { withFileTypes: true }).flatMap(entry => {
    // Workspaces are links back into the repository: following them would walk in circles.
    if (!entry.isDirectory() || entry.name.startsWith('.')) return []
    const folder = join(modules, entry.name)
    if (!entry.name.startsWith('@')) return packageAt(folder)
    return readdirSync(join(root, folder)).flatMap(name => packageAt(join(folder, name)))
  })
}

function belowFloor(installed: readonly Installed[]): string[] {
  return installed.flatMap(({ name, version, folder }) => {
    const floor = floors[name]
    if (floor === undefined || compareVersions(version, floor.minimum) >= 0) return []
    return [`${folder} is ${name} ${version}, below ${floor.minimum}. ${floor.why} Raise it, or lift the inner copy in "overrides".`]
  })
}

/** Orders versions by their numbers; a pre-release comes before its release. */
function compareVersions(one: string, other: string): number {
  const [left = '', leftTag] = one.split(/-(.*)/s)
  const [right = '', rightTag] = other.split(/-(.*)/s)
  const byNumbers = left.localeCompare(right, 'en', { numeric: true })
  return byNumbers !== 0 ? byNumbers : Number(leftTag === undefined) - Number(rightTag === undefined)
}

test('no installed copy of a dependency is older than its advisories allow', () => {
  const installed = packagesIn('node_modules')
  for (const name of Object.keys(floors))
    assert.ok(
      installed.some(found => found.name === name),
      `${name} has a floor but is not installed`,
    )
  none(belowFloor(installed))
})

test('the floor rule finds an inner copy below the floor', () => {
  assert.equal(belowFloor([{ name: 'nodemailer', version: '10.0.10', folder: 'node_modules/mailauth/node_modules/nodemailer' }]).length, 1)
  assert.equal(belowFloor([{ name: 'nodemailer', version: '10.1.4-rc.1', folder: 'node_modules/nodemailer' }]).length, 1)
  assert.equal(belowFloor([{ name: 'nodemailer', version: '10.10.0', folder: 'node_modules/nodemailer' }]).length, 0)
})

test('the lock holds no download address', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, { resolved?: string }> }
  none(
    Object.entries(lock.packages)
      .filter(([, { resolved }]) => resolved?.includes('://') === true)
      .map(
        ([folder, { resolved }]) =>
          `${folder} is resolved to ${resolved}: keep omit-lockfile-registry-resolved=true and write the lock again.`,
      ),
  )
})
