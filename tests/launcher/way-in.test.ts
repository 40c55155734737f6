import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { MAX_CONNECTIONS } from '../../dagger/way-in/carrier.mjs'
import { WAY_IN_PORT, wayIn } from '../../dagger/way-in/server.mjs'
import { freePort, keepWayIn, portsOf, withTunnel } from '../../scripts/launcher/way-in.mjs'
import { traffic } from '../laptop/traffic.mjs'
import { LAUNCHER, processesWith, type Program, start } from './fixtures/programs.ts'

const count = (server: Server): Promise<number> => new Promise((resolve) => server.getConnections((_, number) => resolve(number)))

const WAIT = { timeout: 10_000, interval: 20 }
const LOCAL = '127.0.0.1'

let ours = ''
let other = ''
beforeAll(() => {
  const folder = (name: string): string => {
    const made = mkdtempSync(join(tmpdir(), 'todo-chat-way-in-'))
    writeFileSync(join(made, 'dagger.json'), JSON.stringify({ name }))
    return made
  }
  ;[ours, other] = [folder('todo-chat'), folder('hello')]
})
afterAll(() => [ours, other].forEach((folder) => rmSync(folder, { recursive: true })))

describe('ports of a call', () => {
  it.each([
    ['a cluster, as the README has it', ['call', '--cluster-image=x', 'cluster', 'up', '--ports', '6443:6443,8080:80'], ['6443:6443', '8080:80']],
    ['options in another way of writing', ['--progress=plain', 'call', 'cluster', '--name=a', 'up', '--ports=16443:6443', '--ports=8080:80/tcp'], ['16443:6443', '8080:80']],
    ['a cluster without ports: its own', ['call', 'cluster', 'up'], ['6443:6443', '80:80']],
    ['the application', ['call', 'up', 'up'], ['8080:8080']],
    ['the application on another port', ['call', 'up', 'up', '--ports=9000:8080'], ['9000:8080']],
    ['the application that is not started', ['call', 'up', 'endpoint'], []],
    ['another service', ['call', 'database', 'as-service', 'up', '--ports=5432:5432'], []],
    ['a cluster that is only described', ['call', 'cluster', 'hostname'], []],
    ['help', ['call', 'cluster', 'up', '--help'], []],
    ['a port that the service has not', ['call', 'cluster', 'up', '--ports=9000:9000'], []],
    ['random ports', ['call', 'cluster', 'up', '--random'], []],
  ])('%s', (_, args, ports) => expect(portsOf(args, ours).map(({ local, remote }) => `${local}:${remote}`)).toEqual(ports))

  it('never of another module', () => expect(portsOf(['call', 'cluster', 'up'], other)).toEqual([]))

  it('are replaced by the one that the engine forwards', () => {
    expect(withTunnel(['call', 'cluster', 'up', '--ports', '6443:6443', '--ports=8080:80', '--native=false'], 40_000)).toEqual(['call', '--launched', 'cluster', 'up', '--native=false', `--ports=40000:${WAY_IN_PORT}`])
  })

  it('the module exposes the port that the launcher asks for', () => {
    expect(readFileSync(new URL('../../dagger/src/way-in.ts', import.meta.url), 'utf8')).toContain(`WAY_IN_PORT = ${WAY_IN_PORT}\n`)
  })
})

describe('the way in', () => {
  let inner: Server
  let wires: Socket[] = []
  let done: Promise<void>
  let ending: AbortController
  let port = 0
  const notes: string[] = []
  const services: (Server | HttpServer)[] = []

  /** A service behind a way in, which listens on `port` of this machine. `asked` is the port that the outer half asks for, if not its. */
  async function behind(service: Server | HttpServer, { silence = 30_000, asked = 0 } = {}): Promise<void> {
    services.push(service)
    await new Promise<void>((resolve) => service.listen(0, LOCAL, resolve))
    const remote = (service.address() as AddressInfo).port
    inner = wayIn(LOCAL, [remote], { silence })
    inner.on('connection', (wire: Socket) => wires.push(wire))
    await new Promise<void>((resolve) => inner.listen(0, LOCAL, resolve))
    port = await freePort()
    const tunnel = (inner.address() as AddressInfo).port
    done = keepWayIn({ ports: [{ local: port, remote: asked || remote }], tunnel, signal: ending.signal, note: (text: string) => notes.push(text), gone: 500 })
    done.catch(() => undefined)
    await vi.waitFor(() => expect(notes).toHaveLength(1), WAIT)
  }

  const visitor = (): Promise<Socket> => new Promise((resolve) => {
    const socket: Socket = connect({ port, host: LOCAL, allowHalfOpen: true }, () => resolve(socket))
    socket.on('error', () => undefined)
  })

  beforeEach(() => {
    ending = new AbortController()
    notes.length = 0
    wires = []
  })
  afterEach(async () => {
    ending.abort()
    await done.catch(() => undefined)
    inner.close()
    wires.forEach((wire) => wire.destroy())
    services.splice(0).forEach((service) => service.close())
  })

  it('carries many short, kept and broken-off connections over one', async () => {
    await behind(createHttpServer((request, response) => (request.method === 'POST' ? request.socket.destroy() : response.end('x'.repeat(2000)))))
    const figures = await traffic({ url: `http://${LOCAL}:${port}/`, seconds: 5, rate: 200, aborts: 0.3 })
    expect(figures).toMatchObject({ failed: 0, halfClosed: 0 })
    expect(figures.answered).toBeGreaterThan(200)
    expect(figures.verdict).toBeUndefined()
    expect(wires).toHaveLength(1)
  })

  it('passes on an end while the other side still speaks', async () => {
    await behind(createServer({ allowHalfOpen: true }, (socket) => {
      let heard = ''
      socket.on('data', (data) => (heard += data.toString())).on('end', () => socket.end(`heard ${heard}`))
    }))
    const socket = await visitor()
    let answer = ''
    socket.on('data', (data) => (answer += data.toString()))
    socket.end('hello')
    await vi.waitFor(() => expect(answer).toBe('heard hello'), WAIT)
    await vi.waitFor(() => expect(socket.readableEnded).toBe(true), WAIT)
  })

  it('tells the service that a visitor has gone', async () => {
    const gone: string[] = []
    await behind(createServer((socket) => socket.on('error', () => undefined).on('close', () => gone.push('closed')).write('welcome')))
    const socket = await visitor()
    socket.once('data', () => socket.resetAndDestroy())
    await vi.waitFor(() => expect(gone).toEqual(['closed']), WAIT)
  })

  it('tells a visitor that the service has broken off', async () => {
    await behind(createServer((socket) => socket.resetAndDestroy()))
    const socket = await visitor()
    socket.resume()
    await vi.waitFor(() => expect(socket.destroyed).toBe(true), WAIT)
  })

  it('goes on for the others when one does not read', async () => {
    await behind(createHttpServer((request, response) => (request.url === '/large' ? response.end(Buffer.alloc(20_000_000)) : response.end('small'))))
    const idle = await visitor()
    idle.pause()
    idle.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n')
    await expect(fetch(`http://${LOCAL}:${port}/small`).then((answer) => answer.text())).resolves.toBe('small')
    await expect(fetch(`http://${LOCAL}:${port}/large`).then(async (answer) => (await answer.arrayBuffer()).byteLength)).resolves.toBe(20_000_000)
    idle.destroy()
  })

  it('loses and mixes up no byte, in both directions at once', async () => {
    await behind(createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)))
    const sent = Array.from({ length: 8 }, () => randomBytes(3_000_000 + randomInt(100_000)))
    const heard = await Promise.all(sent.map(async (bytes) => {
      const socket = await visitor()
      const answer: Buffer[] = []
      socket.on('data', (data: Buffer) => answer.push(data)).end(bytes)
      await once(socket, 'end')
      return Buffer.concat(answer)
    }))
    expect(heard.map((bytes, index) => bytes.equals(sent[index] as Buffer))).toEqual(sent.map(() => true))
  })

  // What ended the machine of an earlier way in: broken off anywhere, with something on its way in both directions.
  it('holds nothing of those who go away at any time', async () => {
    const open = new Set<Socket>()
    await behind(createServer({ allowHalfOpen: true }, (socket) => {
      open.add(socket.on('error', () => undefined).on('close', () => open.delete(socket)))
      socket.write(Buffer.alloc(randomInt(500_000)))
      setTimeout(() => (randomInt(3) > 0 ? socket.end(Buffer.alloc(randomInt(50_000))) : socket.resetAndDestroy()), randomInt(60)).unref()
      // Who does not read at first.
      setTimeout(() => socket.resume(), randomInt(4) > 0 ? 0 : 500).unref()
    }))
    const before = process.memoryUsage().rss
    await Promise.all(Array.from({ length: 30 }, async () => {
      for (let visit = 0; visit < 20; visit++) {
        const socket = await visitor()
        socket.write(Buffer.alloc(randomInt(300_000)))
        if (randomInt(3) === 0) socket.end()
        if (randomInt(2) === 0) socket.resume()
        await sleep(randomInt(80))
        if (randomInt(2) === 0) socket.resetAndDestroy()
        else socket.destroy()
      }
    }))
    await vi.waitFor(() => expect(open.size).toBe(0), { ...WAIT, timeout: 40_000 })
    expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000)
    expect(wires.filter((wire) => !wire.destroyed)).toHaveLength(1)
  }, 120_000)

  it.each([
    ['ended', (wire?: Socket) => wire?.destroy()],
    ['broken off', (wire?: Socket) => wire?.resetAndDestroy()],
    ['full of something else', (wire?: Socket) => wire?.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ])('is there again after its connection was %s, and breaks off what that carried', async (_, lose) => {
    await behind(createHttpServer((request, response) => (request.url === '/half' ? response.write('half') : response.end('x'))))
    const cut = fetch(`http://${LOCAL}:${port}/half`).then((answer) => answer.text())
    await vi.waitFor(async () => expect(await count(services[0] as Server)).toBe(1), WAIT)
    lose(wires[0])
    await expect(cut).rejects.toThrow('terminated')
    await vi.waitFor(async () => expect(await fetch(`http://${LOCAL}:${port}/`).then((answer) => answer.status)).toBe(200), WAIT)
    expect(notes[1]).toContain('connecting again')
  })

  it('ends with a reason when what was started is gone', async () => {
    await behind(createHttpServer((_, response) => response.end('x')))
    inner.close()
    wires.forEach((wire) => wire.destroy())
    await expect(done).rejects.toThrow('cannot be reached any more')
  })

  it('leads to no other port, its own least of all', async () => {
    await behind(createServer(), { asked: 1 })
    const socket = await visitor()
    socket.resume()
    await vi.waitFor(() => expect(socket.destroyed).toBe(true), WAIT)
  })

  it('breaks off what is more than it can carry, and goes on', async () => {
    await behind(createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => undefined).pipe(socket)))
    const visitors: Socket[] = []
    // One after the other: the kernel lets only some hundreds wait.
    while (visitors.length < MAX_CONNECTIONS + 50) visitors.push((await visitor()).resume())
    await vi.waitFor(() => expect(visitors.filter(({ destroyed }) => destroyed)).toHaveLength(50), WAIT)
    visitors[0]?.write('x')
    await expect(once(visitors[0] as Socket, 'data')).resolves.toBeDefined()
    visitors.forEach((socket) => socket.destroy())
  }, 60_000)

  it('refuses a port of this machine that is in use, before anything starts', async () => {
    await behind(createHttpServer((_, response) => response.end('x')))
    await expect(freePort(port)).rejects.toThrow(`port ${port} of this machine is in use`)
  })
})

// A CLI that forwards one port to a way in, as the engine's does, beside a service.
describe('`up`', () => {
  const serverUrl = new URL('../../dagger/way-in/server.mjs', import.meta.url).href
  const CLI = `#!${process.execPath}
import('${serverUrl}').then(({ wayIn, WAY_IN_PORT }) => {
  const [, tunnel, inner] = /^--ports=(\\d+):(\\d+)$/.exec(process.argv.at(-1)) ?? []
  if (!process.argv.includes('--launched') || Number(inner) !== WAY_IN_PORT) process.exit(9)
  require('node:http').createServer((_, response) => response.end('hello')).listen(8080, '127.0.0.7', () => wayIn('127.0.0.7', [8080]).listen(tunnel, '127.0.0.1'))
})
process.on('SIGUSR2', () => process.exit(4))
`
  let folder = ''
  let program: Program
  let port = 0

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'todo-chat-up-'))
    writeFileSync(join(folder, 'dagger.json'), '{"name": "todo-chat"}')
    writeFileSync(join(folder, 'dagger'), CLI, { mode: 0o755 })
    port = await freePort()
    program = start(process.execPath, [LAUNCHER, 'call', 'up', 'up', `--ports=${port}:8080`], {
      cwd: folder,
      env: { _EXPERIMENTAL_DAGGER_RUNNER_HOST: 'unix:///nowhere', _EXPERIMENTAL_DAGGER_CLI_BIN: join(folder, 'dagger'), TODO_CHAT_ENGINE: undefined },
    })
    await program.printed(`127.0.0.1:${port} → 8080`)
  })
  afterEach(() => {
    processesWith(join(folder, 'dagger')).forEach((pid) => process.kill(pid, 'SIGKILL'))
    program.child.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  })

  it('answers on its port until it is interrupted', async () => {
    await expect(fetch(`http://${LOCAL}:${port}/`).then((answer) => answer.text())).resolves.toBe('hello')
    program.child.kill('SIGINT')
    await expect(program.ended).resolves.toBe(130)
    expect(program.output()).not.toContain('was lost')
    expect(processesWith(join(folder, 'dagger'))).toEqual([])
  })

  it('ends with its CLI, and as that did', async () => {
    processesWith(join(folder, 'dagger')).forEach((pid) => process.kill(pid, 'SIGUSR2'))
    await expect(program.ended).resolves.toBe(4)
  })

  it('leaves no CLI behind when it is killed', async () => {
    program.child.kill('SIGKILL')
    await program.ended
    await vi.waitFor(() => expect(processesWith(join(folder, 'dagger'))).toEqual([]), WAIT)
  })
})

// The engine goes on holding its end of a connection whose other end is gone.
describe('the inner half gives up an outer half, and all that it opened,', () => {
  const frame = (kind: number, body = Buffer.alloc(0)): Buffer => Buffer.concat([Buffer.from([kind, 0, 0, 0, 1, 0, 0, 0, body.length]), body])

  it.each([
    ['that says nothing any more', 300, () => undefined],
    ['that has come again', 30_000, (tunnel: number) => void connect(tunnel, LOCAL).on('error', () => undefined).write(frame(6))],
  ])('%s', async (_, silence, happens) => {
    const service = createServer((socket) => socket.on('error', () => undefined).write('welcome')).listen(0, LOCAL)
    await once(service, 'listening')
    const remote = (service.address() as AddressInfo).port
    const inner = wayIn(LOCAL, [remote], { silence }).listen(0, LOCAL)
    await once(inner, 'listening')
    const tunnel = (inner.address() as AddressInfo).port
    const outer = connect(tunnel, LOCAL).on('error', () => undefined)
    outer.resume().write(frame(1, Buffer.from([0, 0, remote >> 8, remote & 255])))
    await vi.waitFor(async () => expect(await count(service)).toBe(1), { timeout: 10_000, interval: 5 })
    happens(tunnel)
    await vi.waitFor(async () => expect(await count(service)).toBe(0), WAIT)
    await vi.waitFor(() => expect(outer.destroyed || outer.readableEnded).toBe(true), WAIT)
    inner.close()
    service.close()
  })
})
