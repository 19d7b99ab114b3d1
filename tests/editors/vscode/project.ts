/** A small shop to search in: enough files that ranking matters, few enough that they are indexed in a moment. */
export const PROJECT: Record<string, string> = {
  "storage/locks.py": `"""Files shared by several workers."""

import fcntl
from pathlib import Path


def hold(path: Path):
    """Take the lock exclusively; everybody else has to stand in line."""
    handle = path.open("w")
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def release(handle) -> None:
    """Give the lock back."""
    fcntl.flock(handle, fcntl.LOCK_UN)
    handle.close()
`,
  "storage/uploads.py": `"""Pictures of products, sent to the bucket."""

import time


def send_again(call, attempts: int = 5):
    """Repeat a failing call, with a pause that doubles each time."""
    for attempt in range(attempts):
        try:
            return call()
        except OSError:
            time.sleep(2**attempt)
    raise TimeoutError("the bucket does not answer")


def upload(bucket, name: str, picture: bytes) -> str:
    """Store one picture and return its public address."""
    send_again(lambda: bucket.put(name, picture))
    return f"{bucket.address}/{name}"
`,
  "orders/prices.py": `"""What customers pay."""


def discounted(total: float, percent: float) -> float:
    """The sum that is left after a rebate."""
    return round(total * (1 - percent / 100), 2)


def with_tax(total: float, rate: float = 0.19) -> float:
    """The gross sum."""
    return round(total * (1 + rate), 2)


def in_currency(total: float, rates: dict[str, float], currency: str) -> float:
    """Convert a sum, by the rates of today."""
    return round(total * rates[currency], 2)
`,
  "orders/checkout.py": `"""From the basket to the order."""

from orders.prices import discounted, with_tax


class Basket:
    """What a customer wants to buy."""

    def __init__(self) -> None:
        self.items: list[tuple[str, float]] = []

    def add(self, name: str, price: float) -> None:
        """Put one more thing into it."""
        self.items.append((name, price))

    def total(self, rebate: float = 0.0) -> float:
        """What all of it costs, rebate and tax included."""
        return with_tax(discounted(sum(price for _, price in self.items), rebate))


def place_order(basket: Basket, customer: str, orders: list[dict]) -> int:
    """Turn a basket into an order and return its number."""
    orders.append({"customer": customer, "total": basket.total()})
    return len(orders)
`,
  "mail/newsletter.py": `"""Letters to subscribers."""

import smtplib


def deliver(host: str, letter: str, readers: list[str]) -> None:
    """Hand the newsletter to the mail server, one reader after the other."""
    with smtplib.SMTP(host) as server:
        for reader in readers:
            server.sendmail("news@example.org", reader, letter)


def unsubscribe(readers: list[str], address: str) -> list[str]:
    """Those who still want letters."""
    return [reader for reader in readers if reader.lower() != address.lower()]
`,
  "web/session.ts": `import { createHmac, timingSafeEqual } from "node:crypto";

/** Who is logged in, and since when. */
export interface Session {
  user: string;
  since: number;
}

/** Whether nobody has changed the cookie since we made it. */
export function isGenuine(cookie: string, signature: string, secret: string): boolean {
  const expected = createHmac("sha256", secret).update(cookie).digest();
  return timingSafeEqual(expected, Buffer.from(signature, "hex"));
}

/** Sessions older than a day are over. */
export function isExpired(session: Session, now: number): boolean {
  return now - session.since > 24 * 60 * 60 * 1000;
}
`,
  "web/rateLimit.ts": `/** Refuses visitors who ask too often. */
export class RateLimit {
  private readonly visits = new Map<string, number[]>();

  constructor(
    private readonly most: number,
    private readonly windowMs: number,
  ) {}

  /** Whether this visitor may ask once more. */
  allows(address: string, now: number): boolean {
    const recent = (this.visits.get(address) ?? []).filter((time) => now - time < this.windowMs);
    this.visits.set(address, [...recent, now]);
    return recent.length < this.most;
  }
}
`,
  "docs/operations.md": `# Operations

## When the queue is full

Start another worker. Orders wait in the database until somebody takes them; none is lost.

## Restoring a backup

Stop the workers, copy last night's archive back, and start them again.
`,
};

/** A question that no word of its answer holds, and that answer. */
export const QUESTION = { query: "mutual exclusion between processes", symbol: "hold", file: "locks.py", line: 7 };

/** What this shop's people call sending again; no model can know, until an adapter teaches it. */
export const SLANG = { query: "zamboni", symbol: "send_again", file: "uploads.py", line: 6 };
