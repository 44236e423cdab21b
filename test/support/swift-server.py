"""OpenStack Swift with its S3 API, all of its servers in one process, for tests.

python3 swift-server.py DIRECTORY: keeps everything below DIRECTORY, and with it the ports: started again on the
same directory it has its objects and its address. Says the port when it is ready. Dies with its parent.
"""

import json
import os
import sys

import eventlet

eventlet.monkey_patch()

from eventlet import wsgi  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402
from swift.common.utils import NullLogger  # noqa: E402
from swift.common.wsgi import SwiftHttpProtocol, loadapp  # noqa: E402

ROOT = sys.argv[1]
KINDS = ['account', 'container', 'object', 'proxy']
SERVER = """[DEFAULT]
swift_dir = {root}
devices = {root}/srv
mount_check = false
log_level = CRITICAL
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
recon_cache_path = {root}/cache
fallocate_reserve = 0
"""
PROXY = """[DEFAULT]
swift_dir = {root}
log_level = CRITICAL
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats bulk s3api tempauth slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""
HASHES = """[swift-hash]
swift_hash_path_suffix = s
swift_hash_path_prefix = p
[storage-policy:0]
name = one
default = yes
"""


class Cache:
    """In place of memcached: what Swift asks of it, in this process."""

    def __init__(self):
        self.kept = {}

    def get(self, key, raise_on_error=False, **_):
        return self.kept.get(key)

    def set(self, key, value, **_):
        self.kept[key] = value

    def incr(self, key, delta=1, **_):
        self.kept[key] = self.kept.get(key, 0) + delta
        return self.kept[key]

    def delete(self, key, **_):
        self.kept.pop(key, None)


def with_cache(app):
    cache = Cache()

    def cached(env, start_response):
        env['swift.cache'] = cache
        return app(env, start_response)

    return cached


def counting(app):
    """Says at /counted/BUCKET/NAME how often an object was read."""
    reads = {}

    def counted(env, start_response):
        asked = env['PATH_INFO']
        if asked.startswith('/counted/'):
            start_response('200 OK', [('Content-Type', 'text/plain')])
            return [str(reads.get(asked.removeprefix('/counted'), 0)).encode()]
        if env['REQUEST_METHOD'] == 'GET':
            reads[asked] = reads.get(asked, 0) + 1
        return app(env, start_response)

    return counted


def path(name):
    return os.path.join(ROOT, name)


def write(name, text):
    with open(path(name), 'w', encoding='utf8') as file:
        file.write(text)


def sockets():
    """Listening, on the ports of last time or on free ones."""
    try:
        with open(path('ports.json'), encoding='utf8') as file:
            ports = json.load(file)
    except FileNotFoundError:
        ports = {}
    made = {kind: eventlet.listen(('127.0.0.1', ports.get(kind, 0))) for kind in KINDS}
    write('ports.json', json.dumps({kind: sock.getsockname()[1] for kind, sock in made.items()}))
    return made


def ring(kind, port):
    builder = RingBuilder(2, 1, 0)
    device = {'region': 1, 'zone': 1, 'ip': '127.0.0.1', 'port': port, 'device': 'd1', 'weight': 1.0}
    builder.add_dev({'id': 0, 'replication_ip': '127.0.0.1', 'replication_port': port, 'meta': '', **device})
    builder.rebalance()
    builder.get_ring().save(path(kind + '.ring.gz'))


def serve(kind, sock):
    text = PROXY if kind == 'proxy' else SERVER
    write(kind + '.conf', text.format(root=ROOT, kind=kind))
    app = with_cache(loadapp(path(kind + '.conf')))
    if kind == 'proxy':
        app = counting(app)
    # As swift's own run_server: headers as they are.
    how = {'protocol': SwiftHttpProtocol, 'capitalize_response_headers': False, 'url_length_limit': 8192}
    return eventlet.spawn(wsgi.server, sock, app, NullLogger(), log_output=False, **how)


for name in ['srv/d1', 'cache']:
    os.makedirs(path(name), exist_ok=True)
write('swift.conf', HASHES)
import swift.common.utils as utils  # noqa: E402

utils.SWIFT_CONF_FILE = path('swift.conf')
utils.validate_hash_conf()
listening = sockets()
for server in KINDS[:3]:
    ring(server, listening[server].getsockname()[1])
servers = [serve(kind, sock) for kind, sock in listening.items()]
print('listens on', listening['proxy'].getsockname()[1], flush=True)
for server in servers:
    server.wait()
