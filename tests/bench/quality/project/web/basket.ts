/** What a customer is about to buy. */

import { Catalog, type Product } from "./catalog";

export interface Line {
  product: Product;
  amount: number;
}

export interface Discount {
  code: string;
  percent: number;
  minTotalCents: number;
}

const MAX_AMOUNT = 20;
const SHIPPING_CENTS = 490;
const FREE_SHIPPING_CENTS = 5000;

export class Basket {
  private readonly amounts = new Map<string, number>();
  private discount: Discount | undefined;

  constructor(private readonly catalog: Catalog) {}

  get isEmpty(): boolean {
    return this.amounts.size === 0;
  }

  /** Adds some of a product, and takes it out of the stock. */
  add(id: string, amount = 1): void {
    const sum = (this.amounts.get(id) ?? 0) + amount;
    if (sum > MAX_AMOUNT) {
      throw new RangeError(`At most ${MAX_AMOUNT} of a product can be bought.`);
    }
    this.catalog.take(id, amount);
    this.amounts.set(id, sum);
  }

  /** Removes all of a product, and puts it back into the stock. */
  remove(id: string): void {
    const amount = this.amounts.get(id);
    if (amount === undefined) {
      return;
    }
    this.catalog.restock(id, amount);
    this.amounts.delete(id);
  }

  clear(): void {
    for (const id of [...this.amounts.keys()]) {
      this.remove(id);
    }
    this.discount = undefined;
  }

  lines(): Line[] {
    return [...this.amounts].map(([id, amount]) => ({
      product: this.catalog.get(id),
      amount,
    }));
  }

  /** Applies a discount; returns whether the basket is worth enough for it. */
  apply(discount: Discount): boolean {
    if (this.subtotalCents() < discount.minTotalCents) {
      return false;
    }
    this.discount = discount;
    return true;
  }

  subtotalCents(): number {
    let sum = 0;
    for (const { product, amount } of this.lines()) {
      sum += product.priceCents * amount;
    }
    return sum;
  }

  discountCents(): number {
    if (this.discount === undefined) {
      return 0;
    }
    return Math.round((this.subtotalCents() * this.discount.percent) / 100);
  }

  shippingCents(): number {
    if (this.isEmpty || this.subtotalCents() >= FREE_SHIPPING_CENTS) {
      return 0;
    }
    return SHIPPING_CENTS;
  }

  totalCents(): number {
    return this.subtotalCents() - this.discountCents() + this.shippingCents();
  }
}

export function formatCents(cents: number): string {
  const sign = cents < 0 ? "-" : "";
  const euros = Math.floor(Math.abs(cents) / 100);
  const rest = String(Math.abs(cents) % 100).padStart(2, "0");
  return `${sign}${euros}.${rest} €`;
}

export function receipt(basket: Basket): string {
  const lines = basket.lines().map(({ product, amount }) => {
    const price = formatCents(product.priceCents * amount);
    return `${amount} x ${product.name}: ${price}`;
  });
  lines.push(`Shipping: ${formatCents(basket.shippingCents())}`);
  if (basket.discountCents() > 0) {
    lines.push(`Discount: ${formatCents(-basket.discountCents())}`);
  }
  lines.push(`Total: ${formatCents(basket.totalCents())}`);
  return lines.join("\n");
}
