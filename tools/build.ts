/** Builds `dist/` from `src/`: JavaScript and declarations for Node 24, with the command line made executable. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

process.chdir(join(import.meta.dirname, '..'))
rmSync('dist', { recursive: true, force: true })

const tsc = spawnSync('tsc', ['-p', 'tools/tsconfig.build.json'], { stdio: 'inherit', shell: process.platform === 'win32' })
if (tsc.status !== 0) process.exit(tsc.status ?? 1)

// tsc rewrites import specifiers only. A URL to a sibling (a worker's file) keeps what was typed, and a ".ts" there
// would work from the sources and fail for everyone who installed the package.
const stale = readdirSync('dist', { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.js'))
  .filter(file => /new URL\(['"`]\.[^'"`]*\.ts['"`]/.test(readFileSync(join('dist', file), 'utf8')))
if (stale.length > 0) {
  console.error(`These built files point at a ".ts" that does not exist in dist/: ${stale.join(', ')}`)
  console.error('Write new URL(`./name${import.meta.url.slice(-3)}`, import.meta.url), which follows the file it stands in.')
  process.exit(1)
}

if (existsSync('dist/cli/main.js')) chmodSync('dist/cli/main.js', 0o755)
