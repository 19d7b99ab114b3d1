(mixin_statement name: (_) @name (block) @body) @definition.function
(function_statement name: (_) @name (block) @body) @definition.function
