/**
 * Closed instances by what they may open. Opening one takes some ten milliseconds and its settings cannot change, so
 * those that see the same folders are one, and a few are kept when nobody uses them.
 */
import { type Connection, closedEngine, type Engine } from '../engine/index.ts'

/** A connection of a closed instance, to be given back. */
export interface Lease {
  readonly connection: Connection
  release(): Promise<void>
}

interface Instance {
  readonly engine: Promise<Engine>
  /** Connections that nobody uses. */
  readonly idle: Connection[]
  users: number
}

/** How many instances are kept that nobody uses. */
const keptIdle = 4

const instances = new Map<string, Instance>()

/** A connection that sees these folders and files and nothing else. */
export async function leaseClosed(folders: ReadonlySet<string>, files: ReadonlySet<string>): Promise<Lease> {
  const key = JSON.stringify([[...folders].sort(), [...files].sort()])
  let instance = instances.get(key)
  if (instance !== undefined) {
    instance.users += 1
    if (instance.users === 1 && !(await isUsable(instance))) instance = undefined
  }
  instance ??= { engine: closedEngine({ folders: [...folders], files: [...files] }), idle: [], users: 1 }
  // The one used last is the last to be closed.
  instances.delete(key)
  instances.set(key, instance)
  const current = instance
  const giveBack = async () => {
    current.users -= 1
    await closeIdle(keptIdle)
  }
  try {
    const engine = await current.engine
    const connection = current.idle.pop() ?? (await engine.connect())
    return {
      connection,
      release: async () => {
        if (engine.usable && current.idle.length < keptIdle) current.idle.push(connection)
        else await connection.close()
        await giveBack()
      },
    }
  } catch (error) {
    instances.delete(key)
    await giveBack()
    throw error
  }
}

async function isUsable(instance: Instance): Promise<boolean> {
  return (await instance.engine.catch(() => undefined))?.usable ?? false
}

async function closeIdle(kept: number): Promise<void> {
  if (instances.size <= kept) return
  const idle = [...instances].filter(([, { users }]) => users === 0)
  for (const [key, { engine }] of idle.slice(0, Math.max(0, idle.length - kept))) {
    instances.delete(key)
    await (await engine).close()
  }
}
