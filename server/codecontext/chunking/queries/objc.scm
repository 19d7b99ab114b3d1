(class_interface . (identifier) @name) @definition.class
(class_implementation . (identifier) @name) @definition.class
(protocol_declaration . (identifier) @name) @definition.class
(method_definition (identifier) @name (compound_statement) @body) @definition.method
((method_declaration (identifier) @name) @definition.method
  (#set! min-lines 2))
