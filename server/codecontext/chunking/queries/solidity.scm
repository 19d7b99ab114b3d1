(contract_declaration name: (_) @name body: (_) @body) @definition.class
(interface_declaration name: (_) @name body: (_) @body) @definition.class
(library_declaration name: (_) @name body: (_) @body) @definition.class
(struct_declaration name: (_) @name body: (_) @body) @definition.class
(enum_declaration name: (_) @name body: (_) @body) @definition.class
(function_definition name: (_) @name body: (_) @body) @definition.function
((function_definition name: (_) @name !body) @definition.function
  (#set! min-lines 2))
(modifier_definition name: (_) @name body: (_) @body) @definition.function
(constructor_definition "constructor" @name body: (_) @body) @definition.method

(comment) @comment
