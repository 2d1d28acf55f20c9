#!/usr/bin/python3
"""The talk's pages: urllib one by one and with thread pools, from the server of fetch.cpp.

Our program serves them here too, with the same delays: fetch --serve.
"""

import multiprocessing.dummy
import subprocess
import urllib.request

from measure import Comparison


def fetch(url):
    with urllib.request.urlopen(url) as answer:
        return answer.read().decode()


def page_body(i):
    """What page i holds: slow_server.hpp."""
    body = f"page {i}\n"
    while len(body) < 1024:
        body += f"All work and no play makes page {i} a dull page.\n"
    return body


def expect(bodies):
    for i, body in enumerate(bodies):
        if body != page_body(i):
            raise SystemExit(f"page {i}: wrong body")


def main():
    table = Comparison("fetch", __doc__)
    # The server's address is on this machine: no proxy that the environment names.
    urllib.request.install_opener(
        urllib.request.build_opener(urllib.request.ProxyHandler({})))
    server = subprocess.Popen(
        table.program("--serve"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with server:
        urls = list(iter(lambda: server.stdout.readline().strip(), ""))
        if not urls:
            raise SystemExit("the server serves nothing")
        table.measure("serial", lambda: expect([fetch(url) for url in urls]))
        for size in table.sizes("dummy.Pool"):
            pool = multiprocessing.dummy.Pool(size)
            table.measure(
                f"dummy.Pool/{size}", lambda pool=pool: expect(pool.map(fetch, urls, chunksize=1)))
        table.run()
        server.stdin.close()
    if server.returncode != 0:
        raise SystemExit(f"the server came with status {server.returncode}")


if __name__ == "__main__":
    main()
