/** What the shop sells, and what each of it costs. */

export interface Product {
  id: string;
  name: string;
  priceCents: number;
  tags: string[];
  stock: number;
}

export interface Filter {
  text?: string;
  tag?: string;
  maxPriceCents?: number;
}

export type SortKey = "name" | "price" | "stock";

export class UnknownProductError extends Error {
  constructor(readonly id: string) {
    super(`There is no product with the id ${id}.`);
    this.name = "UnknownProductError";
  }
}

export class Catalog {
  private readonly products = new Map<string, Product>();

  constructor(products: Iterable<Product> = []) {
    for (const product of products) {
      this.products.set(product.id, product);
    }
  }

  get size(): number {
    return this.products.size;
  }

  has(id: string): boolean {
    return this.products.has(id);
  }

  /** The product with an id; throws where there is none. */
  get(id: string): Product {
    const product = this.products.get(id);
    if (product === undefined) {
      throw new UnknownProductError(id);
    }
    return product;
  }

  /** Takes some of a product out of the stock. */
  take(id: string, amount: number): void {
    const product = this.get(id);
    if (amount > product.stock) {
      throw new RangeError(`Only ${product.stock} of ${product.name} are left.`);
    }
    this.products.set(id, { ...product, stock: product.stock - amount });
  }

  /** Puts some of a product back into the stock. */
  restock(id: string, amount: number): void {
    const product = this.get(id);
    this.products.set(id, { ...product, stock: product.stock + amount });
  }

  /** Every product that a filter lets through, sorted. */
  search(filter: Filter, sortKey: SortKey = "name"): Product[] {
    const found = [...this.products.values()].filter((product) =>
      matches(product, filter),
    );
    return found.sort((left, right) => compare(left, right, sortKey));
  }

  tags(): string[] {
    const tags = new Set<string>();
    for (const product of this.products.values()) {
      product.tags.forEach((tag) => tags.add(tag));
    }
    return [...tags].sort();
  }
}

function matches(product: Product, filter: Filter): boolean {
  if (filter.text !== undefined) {
    const text = filter.text.toLowerCase();
    if (!product.name.toLowerCase().includes(text)) {
      return false;
    }
  }
  if (filter.tag !== undefined && !product.tags.includes(filter.tag)) {
    return false;
  }
  if (filter.maxPriceCents !== undefined) {
    return product.priceCents <= filter.maxPriceCents;
  }
  return true;
}

function compare(left: Product, right: Product, sortKey: SortKey): number {
  switch (sortKey) {
    case "name":
      return left.name.localeCompare(right.name);
    case "price":
      return left.priceCents - right.priceCents;
    case "stock":
      return left.stock - right.stock;
  }
}
