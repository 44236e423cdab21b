"""What people do with asyncssh, one thing for each call: STEP USER, the rest as JSON on stdin.

Prints one JSON object; a failure is a traceback and status 1. Run by test/e2e/clients/python.test.ts.
"""

import asyncio
import json
import os
import sys

import asyncssh


def connect(options, user):
    common = {
        "known_hosts": options["known_hosts"],
        "client_keys": [options["key"]],
        "agent_path": None,
        "config": None,
        "login_timeout": 15,
    }
    if options.get("rekey"):
        common["rekey_bytes"] = 1 << 20
    if options.get("keepalive"):
        common["keepalive_interval"] = 1
        common["keepalive_count_max"] = 1
    if options.get("jump"):
        return jump(options, user, common)
    return asyncssh.connect(options["host"], options["port"], username=user, **common)


async def jump(options, user, common):
    outer = await asyncssh.connect(options["host"], options["port"], username=user, **common)
    return await outer.connect_ssh(options["jump"], 22, username=options["login"], **common)


async def step_exec(connection, options):
    done = await connection.run("cat; echo err >&2; exit 7", input="some input")
    return {"output": done.stdout, "errors": done.stderr, "status": done.exit_status}


async def step_shell(connection, options):
    process = await connection.create_process(term_type="vt100", term_size=(91, 33))
    process.stdin.write("stty size; exit 5\n")
    seen = await process.stdout.read()
    return {"seen": seen, "status": (await process.wait()).exit_status}


async def step_sftp(connection, options):
    there = os.path.join(options["directory"], "there")
    back = os.path.join(options["directory"], "back")
    async with connection.start_sftp_client() as sftp:
        await sftp.put(options["bytes"], there)
        await sftp.rename(there, there + "2")
        await sftp.get(there + "2", back)
        names = await sftp.listdir(options["directory"])
    return {"names": sorted(name for name in names if not name.startswith("."))}


async def step_scp(connection, options):
    there = os.path.join(options["directory"], "there2")
    await asyncssh.scp(options["bytes"], (connection, there))
    await asyncssh.scp((connection, there), os.path.join(options["directory"], "back"))
    return {"names": sorted(os.listdir(options["directory"]))}


async def step_forward(connection, options):
    reader, writer = await connection.open_connection("127.0.0.1", options["echo"])
    writer.write(b"said")
    writer.write_eof()
    return {"said": (await reader.read()).decode()}


async def step_keepalive(connection, options):
    done = await connection.run("sleep 2.5; echo alive")
    return {"output": done.stdout, "status": done.exit_status}


async def step_rekey(connection, options):
    with open(options["bytes"], "rb") as file:
        data = file.read()
    same = []
    for _ in range(3):
        done = await connection.run("cat", input=data, encoding=None)
        same.append(done.stdout == data)
    return {"same": same}


async def main():
    step, user = sys.argv[1:]
    options = json.load(sys.stdin)
    connection = await connect(options, user)
    async with connection:
        print(json.dumps(await globals()["step_" + step](connection, options)))


asyncio.run(main())
