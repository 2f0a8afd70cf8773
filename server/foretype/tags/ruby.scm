[
  (class name: [(constant) @name (scope_resolution name: (constant) @name)])
  (module name: [(constant) @name (scope_resolution name: (constant) @name)])
] @definition.class

[
  (method name: (_) @name)
  (singleton_method name: (_) @name)
] @definition.function

(assignment left: (constant) @name) @definition.constant

((body_statement (call method: (identifier) @called) @member)
  (#match? @called "^(include|extend|attr_.*|has_.*|belongs_to|scope|delegate)$"))
