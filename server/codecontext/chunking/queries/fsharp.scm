(namespace name: (_) @name) @definition.namespace
(named_module name: (_) @name) @definition.namespace
(module_defn (identifier) @name) @definition.namespace
((type_definition (_ (type_name type_name: (_) @name) "=" @body)) @definition.class
  (#set! trim-end))
((type_definition (_ (type_name type_name: (_) @name))) @definition.class
  (#set! trim-end))
((exception_definition exception_name: (_) @name) @definition.class
  (#set! trim-end) (#set! min-lines 2))

((function_or_value_defn (function_declaration_left . [(identifier) (op_identifier)] @name) body: (_) @body)
  @definition.function
  (#set! trim-end) (#set! whole-name))
((function_or_value_defn (function_declaration_left (access_modifier) . [(identifier) (op_identifier)] @name) body: (_) @body)
  @definition.function
  (#set! trim-end) (#set! whole-name))
((declaration_expression (function_or_value_defn
  (value_declaration_left (identifier_pattern (long_identifier_or_op (identifier) @name))) body: (_) @body)
  @definition.function)
  (#set! trim-end) (#set! min-lines 4))
(declaration_expression (function_or_value_defn) @inner) @extent
((member_defn (method_or_prop_defn name: (property_or_ident (identifier) @name .) "=" @body)) @definition.method
  (#set! trim-end))
((member_defn (method_or_prop_defn name: (property_or_ident (identifier) @name .))) @definition.method
  (#set! trim-end))
((member_defn (member_signature (identifier) @name)) @definition.method
  (#set! trim-end) (#set! min-lines 2))

[(line_comment) (block_comment)] @comment
(attributes) @attached
