/**
 * The order of system calls is the promise that a power cut holds a store to, and no test can cut the power: so the calls themselves
 * are looked at, where they can be traced.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { project } from '../../support/project.ts'

const calls = 'trace=fsync,link,linkat,rename,renameat,renameat2,mkdir,mkdirat,openat,close,unlink,unlinkat'

test('a file is synced before its name is there, and its folders before the write is reported', (context) => {
  try {
    execFileSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' })
  } catch {
    return context.skip('system calls cannot be traced here')
  }
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'varve-durable-')))
  try {
    const trace = join(base, 'trace')
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
    const script = join(project, 'test/storage/local/durable-writes.child.ts')
    execFileSync('strace', ['-f', '-y', '-o', trace, '-e', calls, process.execPath, '--import', tsx, script, join(base, 'made/table')], {
      stdio: 'pipe',
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    const events = eventsOf(readFileSync(trace, 'utf8'), base)
    const parts = (name: string) => events.slice(events.indexOf(`mark ${name}`) + 1, events.indexOf(`mark after-${name}`))

    const commit = parts('commit')
    // The names of the folders that had to be made, each in the one above it, and the file before its name.
    for (const folder of ['', '/made', '/made/table']) {
      expect(commit.indexOf(`sync ${folder}`), folder).toBeGreaterThan(commit.lastIndexOf('mkdir'))
      expect(commit.indexOf(`sync ${folder}`), folder).toBeLessThan(commit.indexOf('link'))
    }
    expect(commit.indexOf('sync temporary')).toBeGreaterThan(-1)
    expect(commit.indexOf('sync temporary')).toBeLessThan(commit.indexOf('link'))
    expect(commit.at(-1)).toBe('sync /made/table/_delta_log')
    expect(commit.indexOf('link')).toBeLessThan(commit.length - 1)

    expect(parts('second')).toEqual(['sync temporary', 'link', 'sync /made/table/_delta_log'])
    expect(parts('put')).toEqual(['sync temporary', 'rename', 'sync /made/table'])
    expect(parts('hint')).toEqual(['rename'])
    // The data file's name is on stable storage before the commit that names it is there; their syncs overlap.
    const append = parts('append')
    expect(append.filter((event) => event.startsWith('sync'))).toHaveLength(4)
    expect(append.indexOf('sync /made/table')).toBeLessThan(append.indexOf('link'))
    expect(append.at(-1)).toBe('sync /made/table/_delta_log')
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
})

/** The calls that count, in the order in which they ended, paths cut to what follows `base`. */
function eventsOf(trace: string, base: string): string[] {
  const events: string[] = []
  const started = new Map<string, string>()
  for (const line of trace.split('\n')) {
    const [, thread = '', text = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    let call = text
    if (text.endsWith('<unfinished ...>')) {
      started.set(thread, text)
      continue
    }
    if (text.startsWith('<...')) call = (started.get(thread) ?? '') + text
    const mark = /^openat\(.*"[^"]*\/mark-([a-z-]+)"/.exec(call)?.[1]
    const synced = /^fsync\(\d+<([^>]*)>/.exec(call)?.[1]
    if (mark !== undefined) events.push(`mark ${mark}`)
    else if (synced?.includes('.varve-tmp-')) events.push('sync temporary')
    else if (synced?.startsWith(base)) events.push(`sync ${synced.slice(base.length)}`)
    else if (call.includes(base)) {
      const name = /^(link|rename|mkdir)/.exec(call)?.[1]
      if (name !== undefined && !call.includes('ENOENT')) events.push(name)
    }
  }
  return events
}
