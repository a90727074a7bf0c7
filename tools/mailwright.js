#!/usr/bin/env node
/** The command `mailwright`: in a checkout from the sources, which need no build; from `dist` where the package is installed. */
import { existsSync } from 'node:fs'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 7)) {
  console.error(`mailwright: needs Node 24.7 or later, and this is ${process.version}: "npm install node@24" brings one for this project`)
  process.exit(1)
}
const source = new URL('../src/cli/main.ts', import.meta.url)
await import(existsSync(source) ? source.href : new URL('../dist/cli/main.js', import.meta.url).href)
