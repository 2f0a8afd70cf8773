import { beforeEach, describe, expect, it } from "vitest";

import { Basket, formatCents, receipt } from "./basket";
import { Catalog, UnknownProductError } from "./catalog";

describe("Basket", () => {
  let catalog: Catalog;
  let basket: Basket;

  beforeEach(() => {
    catalog = new Catalog([
      { id: "tea", name: "Green tea", priceCents: 650, tags: ["drink"], stock: 12 },
      { id: "cup", name: "Cup", priceCents: 1200, tags: ["ware"], stock: 3 },
    ]);
    basket = new Basket(catalog);
  });

  it("is empty at first", () => {
    expect(basket.isEmpty).toBe(true);
    expect(basket.totalCents()).toBe(0);
  });

  it("takes what is added out of the stock", () => {
    basket.add("tea", 2);
    expect(catalog.get("tea").stock).toBe(10);
    expect(basket.subtotalCents()).toBe(1300);
  });

  it("puts what is removed back into the stock", () => {
    basket.add("cup", 3);
    basket.remove("cup");
    expect(catalog.get("cup").stock).toBe(3);
    expect(basket.isEmpty).toBe(true);
  });

  it("refuses more than there is", () => {
    expect(() => basket.add("cup", 4)).toThrow(RangeError);
    expect(basket.isEmpty).toBe(true);
  });

  it("refuses what the catalog does not have", () => {
    expect(() => basket.add("pot")).toThrow(UnknownProductError);
  });

  it("is shipped for free when it is worth enough", () => {
    basket.add("tea", 1);
    expect(basket.shippingCents()).toBe(490);
    basket.add("tea", 7);
    expect(basket.shippingCents()).toBe(0);
  });

  it("applies a discount only when it is worth enough", () => {
    const discount = { code: "SPRING", percent: 10, minTotalCents: 2000 };
    basket.add("cup", 1);
    expect(basket.apply(discount)).toBe(false);
    basket.add("cup", 1);
    expect(basket.apply(discount)).toBe(true);
    expect(basket.discountCents()).toBe(240);
  });

  it("prints a receipt", () => {
    basket.add("cup", 1);
    expect(receipt(basket)).toContain("1 x Cup: 12.00 €");
    expect(receipt(basket)).toContain("Total: 16.90 €");
  });
});

describe("formatCents", () => {
  it("pads the cents", () => {
    expect(formatCents(105)).toBe("1.05 €");
    expect(formatCents(-5)).toBe("-0.05 €");
  });
});
