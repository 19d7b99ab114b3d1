(function_item name: (_) @name body: (_) @body) @definition.function
((function_signature_item name: (_) @name) @definition.function
  (#set! min-lines 2))
(struct_item name: (_) @name body: (field_declaration_list) @body) @definition.class
(struct_item name: (_) @name) @definition.class
(enum_item name: (_) @name body: (_) @body) @definition.class
(union_item name: (_) @name body: (_) @body) @definition.class
(trait_item name: (_) @name body: (_) @body) @definition.class
(impl_item type: (generic_type type: (_) @name) body: (_) @body) @definition.class
(impl_item type: (reference_type type: (type_identifier) @name) body: (_) @body) @definition.class
(impl_item type: (reference_type type: (generic_type type: (_) @name)) body: (_) @body) @definition.class
(impl_item type: (_) @name body: (_) @body) @definition.class
(mod_item name: (_) @name body: (_) @body) @definition.namespace
(macro_definition name: (_) @name) @definition.function
((type_item name: (_) @name) @definition.class
  (#set! min-lines 2))

; What a macro such as cfg_rt! { ... } wraps is Rust most of the time.
((source_file (macro_invocation (token_tree) @script))
  (#set! script-lang rust))
((mod_item body: (declaration_list (macro_invocation (token_tree) @script)))
  (#set! script-lang rust))

[(line_comment) (block_comment)] @comment
(attribute_item) @attached
