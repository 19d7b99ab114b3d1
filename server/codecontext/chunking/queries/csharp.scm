(namespace_declaration name: (_) @name body: (_) @body) @definition.namespace

(class_declaration name: (_) @name body: (_) @body) @definition.class
(struct_declaration name: (_) @name body: (_) @body) @definition.class
(interface_declaration name: (_) @name body: (_) @body) @definition.class
(enum_declaration name: (_) @name body: (_) @body) @definition.class
(record_declaration name: (_) @name body: (_) @body) @definition.class
(record_declaration name: (_) @name) @definition.class
((delegate_declaration name: (_) @name) @definition.function
  (#set! min-lines 2))

(constructor_declaration name: (_) @name body: (_) @body) @definition.method
(destructor_declaration name: (_) @name body: (_) @body) @definition.method
(operator_declaration operator: _ @name body: (_) @body) @definition.method
(indexer_declaration "this" @name accessors: (_) @body) @definition.method
(method_declaration name: (_) @name body: (_) @body) @definition.method
((method_declaration name: (_) @name !body) @definition.method
  (#set! min-lines 2))
((property_declaration name: (_) @name accessors: (_) @body) @definition.method
  (#set! min-lines 3))
(local_function_statement name: (_) @name body: (_) @body) @definition.function

(comment) @comment
