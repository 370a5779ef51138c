CREATE TABLE `accounts` (
  `id` bigint(20) NOT NULL,
  `address` varbinary(512) NOT NULL,
  `domain` varbinary(512) NOT NULL,
  `own` bigint(20) NOT NULL,
  `search` varbinary(1024) NOT NULL,
  `document` mediumtext NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `address` (`address`),
  KEY `accounts_by_domain` (`domain`,`address`),
  KEY `accounts_with_own` (`domain`,`own`),
  KEY `accounts_by_search` (`search`,`domain`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `accounts` VALUES (1,0x22626F20737322406578616D706C652E636F6D,0x6578616D706C652E636F6D,1,0x22626F20737322406578616D706C652E636F6D0A62C3B67373203C263E2022782720E697A5E69CAC205C,'{\"address\":\"\\\"bo ss\\\"@example.com\",\"name\":\"Böss \\u003c\\u0026\\u003e \\\"x\' 日本 \\\\\",\"login\":\"00123\",\"protocol\":\"pop3\",\"addresses\":[\"boss@example.com\"]}');
INSERT INTO `accounts` VALUES (2,0x6772C3BCC39F65406578616D706C652E6F7267,0x6578616D706C652E6F7267,0,0x6772C3BCC39F65406578616D706C652E6F72670A,'{\"address\":\"grüße@example.org\"}');
INSERT INTO `accounts` VALUES (3,0x6F6666696365406578616D706C652E636F6D,0x6578616D706C652E636F6D,0,0x6F6666696365406578616D706C652E636F6D0A,'{\"address\":\"office@example.com\"}');
CREATE TABLE `acme_accounts` (
  `directory` varbinary(512) NOT NULL,
  `account` mediumblob NOT NULL,
  PRIMARY KEY (`directory`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `acme_accounts` VALUES (0x68747470733A2F2F63612E6578616D706C652F6469726563746F7279,0x00FF);
CREATE TABLE `acme_challenges` (
  `name` varbinary(512) NOT NULL,
  `kind` varbinary(512) NOT NULL,
  `token` varbinary(512) NOT NULL,
  `answer` varbinary(512) NOT NULL,
  `until` bigint(20) NOT NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `acme_challenges` VALUES (0x6175746F636F6E6669672E6578616D706C652E636F6D,0x687474702D3031,0x74,0x742E6B,1795521600);
CREATE TABLE `addresses` (
  `address` varbinary(512) NOT NULL,
  `account` bigint(20) NOT NULL,
  PRIMARY KEY (`address`),
  KEY `addresses_by_account` (`account`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `addresses` VALUES (0x22626F20737322406578616D706C652E636F6D,1);
INSERT INTO `addresses` VALUES (0x626F7373406578616D706C652E636F6D,1);
INSERT INTO `addresses` VALUES (0x6772C3BCC39F65406578616D706C652E6F7267,2);
INSERT INTO `addresses` VALUES (0x6F6666696365406578616D706C652E636F6D,3);
CREATE TABLE `audit` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `at` bigint(20) NOT NULL,
  `actor` varbinary(512) NOT NULL,
  `action` varbinary(512) NOT NULL,
  `subject` varchar(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `domain` varbinary(512) NOT NULL,
  `detail` mediumtext NOT NULL,
  `actor_id` varbinary(512) NOT NULL,
  `actor_issuer` varbinary(512) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `audit_by_domain` (`domain`,`id`),
  KEY `audit_by_subject` (`subject`)
) ENGINE=InnoDB AUTO_INCREMENT=4 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `audit` VALUES (1,1795521600,0x73746166663A657661,0x6C696E6B206D616465,'office@example.com',0x6578616D706C652E636F6D,'','','');
INSERT INTO `audit` VALUES (2,1795521600,0x73746166663A657661,0x6C696E6B206D616465,'office@example.com',0x6578616D706C652E636F6D,'','','');
INSERT INTO `audit` VALUES (3,1795521600,0x73746166663A657661,0x6C696E6B206D616465,'office@example.com',0x6578616D706C652E636F6D,'','','');
CREATE TABLE `autoconfig_schema` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `version_id` bigint(20) NOT NULL,
  `is_applied` tinyint(1) NOT NULL,
  `tstamp` datetime DEFAULT current_timestamp(),
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=8 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `autoconfig_schema` VALUES (1,0,1,'2026-11-27 02:34:27');
INSERT INTO `autoconfig_schema` VALUES (2,1,1,'2026-11-27 02:34:27');
INSERT INTO `autoconfig_schema` VALUES (3,2,1,'2026-11-27 02:34:27');
INSERT INTO `autoconfig_schema` VALUES (4,3,1,'2026-11-27 02:34:27');
INSERT INTO `autoconfig_schema` VALUES (5,4,1,'2026-11-27 02:34:27');
INSERT INTO `autoconfig_schema` VALUES (6,5,1,'2026-11-27 02:34:27');
INSERT INTO `autoconfig_schema` VALUES (7,6,1,'2026-11-27 02:34:27');
CREATE TABLE `certificate_orders` (
  `id` varbinary(512) NOT NULL,
  `domain` varbinary(512) NOT NULL,
  `class` bigint(20) NOT NULL,
  `at` bigint(20) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `certificate_orders_by_time` (`at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `certificate_orders` VALUES (0x32727265737A6C347132726E6D616163796168616E6A746A6537,0x6578616D706C652E636F6D,2,1795521600);
CREATE TABLE `certificates` (
  `name` varbinary(512) NOT NULL,
  `domain` varbinary(512) NOT NULL,
  `class` bigint(20) NOT NULL,
  `chain` mediumblob DEFAULT NULL,
  `sealed_key` mediumblob DEFAULT NULL,
  `issued` bigint(20) NOT NULL,
  `not_after` bigint(20) NOT NULL,
  `renew_at` bigint(20) NOT NULL,
  `due_at` bigint(20) NOT NULL,
  `tried_at` bigint(20) NOT NULL,
  `failures` bigint(20) NOT NULL,
  `code` varbinary(512) NOT NULL,
  `reason` mediumtext NOT NULL,
  `holder` varbinary(512) NOT NULL,
  `held_until` bigint(20) NOT NULL,
  PRIMARY KEY (`name`),
  KEY `certificates_by_due` (`class`,`due_at`),
  KEY `certificates_by_issued` (`issued`),
  KEY `certificates_by_domain` (`domain`,`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `certificates` VALUES (0x6175746F636F6E6669672E6578616D706C652E636F6D,0x6578616D706C652E636F6D,2,0x2D2D2D2D2D424547494E2043455254494649434154452D2D2D2D2D0A,0x0001FF,1,1795525200,0,1795521600,0,0,'','','',0);
INSERT INTO `certificates` VALUES (0x6175746F636F6E6669672E6578616D706C652E6E6574,0x6578616D706C652E636F6D,2,NULL,NULL,0,0,0,1795521600,0,0,'','','',0);
INSERT INTO `certificates` VALUES (0x6175746F636F6E6669672E6578616D706C652E6F7267,0x6578616D706C652E6F7267,2,NULL,NULL,0,0,0,1795521600,0,0,'','','',0);
INSERT INTO `certificates` VALUES (0x6175746F636F6E6669672E786E2D2D6D6C6C65722D6B76612E6578616D706C65,0x6578616D706C652E636F6D,2,NULL,NULL,0,0,0,1795521600,0,0,'','','',0);
CREATE TABLE `checks` (
  `name` varbinary(512) NOT NULL,
  `checked_at` bigint(20) NOT NULL,
  `due_at` bigint(20) NOT NULL,
  `failures` bigint(20) NOT NULL,
  `report` mediumtext NOT NULL,
  PRIMARY KEY (`name`),
  KEY `checks_by_due` (`due_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `checks` VALUES (0x6578616D706C652E636F6D,1795521600,1795521600,0,'{\"domain\":\"example.com\",\"served\":false,\"findings\":null}');
CREATE TABLE `digests` (
  `digest` binary(16) NOT NULL,
  `account` bigint(20) NOT NULL,
  PRIMARY KEY (`digest`,`account`),
  KEY `digests_by_account` (`account`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `digests` VALUES (0x1D71552BC1E14FA9ABC4643DB7351BCD,1);
INSERT INTO `digests` VALUES (0x356704E5268A717E3E94983287D784E6,1);
INSERT INTO `digests` VALUES (0x359C485804FFCE5850406A19C30E6486,2);
INSERT INTO `digests` VALUES (0x3FC36D0D69110A3B5105C276B998C152,1);
INSERT INTO `digests` VALUES (0x42D490A2F6324E0CAACB09D422C8F2C0,3);
INSERT INTO `digests` VALUES (0x68493A362FC7E5EBF5FC034AE475933A,3);
INSERT INTO `digests` VALUES (0x749B3A73EF83ED56BBBD5FD95BAAF5AA,1);
INSERT INTO `digests` VALUES (0x9207F6848435ECF84935234DCD187B49,1);
INSERT INTO `digests` VALUES (0xCC18BFD1B6AFBC84A275FE409A0508D2,3);
INSERT INTO `digests` VALUES (0xD0966227F2B8CCCCB6CC8DEA80E726CF,1);
INSERT INTO `digests` VALUES (0xF157AAE1451025F57CF7F853FC1FB977,1);
INSERT INTO `digests` VALUES (0xF4E1EAD4D0C4CA6A38FA5E648AD2E3A4,1);
INSERT INTO `digests` VALUES (0xFEF7467BE26B18386D60DE3D2875FA1A,3);
CREATE TABLE `domain_names` (
  `name` varbinary(512) NOT NULL,
  `domain` varbinary(512) NOT NULL,
  PRIMARY KEY (`name`),
  KEY `domain_names_by_domain` (`domain`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `domain_names` VALUES (0x6578616D706C652E636F6D,0x6578616D706C652E636F6D);
INSERT INTO `domain_names` VALUES (0x6578616D706C652E6E6574,0x6578616D706C652E636F6D);
INSERT INTO `domain_names` VALUES (0x786E2D2D6D6C6C65722D6B76612E6578616D706C65,0x6578616D706C652E636F6D);
INSERT INTO `domain_names` VALUES (0x6578616D706C652E6F7267,0x6578616D706C652E6F7267);
CREATE TABLE `domains` (
  `name` varbinary(512) NOT NULL,
  `position` bigint(20) NOT NULL,
  `document` mediumtext NOT NULL,
  PRIMARY KEY (`name`),
  KEY `domains_by_position` (`position`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `domains` VALUES (0x6578616D706C652E636F6D,0,'{\"name\":\"example.com\",\"aliases\":[\"example.net\",\"xn--mller-kva.example\"],\"plan\":\"standard\"}');
INSERT INTO `domains` VALUES (0x6578616D706C652E6F7267,1,'{\"name\":\"example.org\",\"plan\":\"standard\"}');
CREATE TABLE `failures` (
  `kind` varbinary(64) NOT NULL,
  `client` varbinary(64) NOT NULL,
  `forgiven_at` bigint(20) NOT NULL,
  PRIMARY KEY (`kind`,`client`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `failures` VALUES (0x6C696E6B,0x0001FF,1795521601000);
CREATE TABLE `leases` (
  `name` varbinary(512) NOT NULL,
  `holder` varbinary(512) NOT NULL,
  `until` bigint(20) NOT NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `leases` VALUES (0x636865636B73,0x6D65,1795521600);
CREATE TABLE `link_events` (
  `link` varbinary(512) NOT NULL,
  `kind` varbinary(64) NOT NULL,
  `device` varbinary(64) NOT NULL,
  `first_at` bigint(20) NOT NULL,
  `last_at` bigint(20) NOT NULL,
  `count` bigint(20) NOT NULL,
  PRIMARY KEY (`link`,`kind`,`device`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `link_events` VALUES (0x30366830717261713031686166346338376E74716E6C6430,0x6F70656E6564,0x6970686F6E65,1795521600,1795521600,1);
INSERT INTO `link_events` VALUES (0x303668307172617130316D6572676A6830766B3972737266,0x6F70656E6564,0x6970686F6E65,1795521600,1795521600,1);
INSERT INTO `link_events` VALUES (0x3036683071726171303333646736676C323335636F6B6A34,0x6F70656E6564,0x6970686F6E65,1795521600,1795521600,1);
CREATE TABLE `link_notices` (
  `link` varbinary(512) NOT NULL,
  `kind` varbinary(512) NOT NULL,
  `number` bigint(20) NOT NULL,
  `domain` varbinary(512) NOT NULL,
  `at` bigint(20) NOT NULL,
  `state` varbinary(512) NOT NULL,
  `tries` bigint(20) NOT NULL,
  `due_at` bigint(20) NOT NULL,
  `done_at` bigint(20) NOT NULL,
  `reason` mediumtext NOT NULL,
  `holder` varbinary(512) NOT NULL,
  `held_until` bigint(20) NOT NULL,
  PRIMARY KEY (`link`,`kind`,`number`),
  KEY `link_notices_by_due` (`state`,`due_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `link_notices` VALUES (0x6C303030,0x6F70656E6564,1,0x6578616D706C652E636F6D,1790000000,0x73656E74,2,0,1790000000,'é; \'\n','',0);
INSERT INTO `link_notices` VALUES (0x6C303031,0x6F70656E6564,1,0x6578616D706C652E636F6D,1790000000,0x717565756564,0,1790000000,0,'','',0);
CREATE TABLE `links` (
  `id` varbinary(512) NOT NULL,
  `hash` varbinary(64) NOT NULL,
  `address` mediumtext NOT NULL,
  `address_key` varbinary(512) NOT NULL,
  `domain` varbinary(512) NOT NULL,
  `language` varbinary(512) NOT NULL,
  `note` mediumtext NOT NULL,
  `made_by` varbinary(512) NOT NULL,
  `made_at` bigint(20) NOT NULL,
  `expires_at` bigint(20) NOT NULL,
  `uses` bigint(20) NOT NULL,
  `used` bigint(20) NOT NULL,
  `revoked_at` bigint(20) NOT NULL,
  `revoked_by` varbinary(512) NOT NULL,
  `ordered` varbinary(64) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `hash` (`hash`),
  KEY `links_by_address` (`address_key`),
  KEY `links_by_domain` (`domain`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `links` VALUES (0x30366830717261713031686166346338376E74716E6C6430,0x62DDABE904EC57279F192A7154C933805CB267F0F0780AD1D8A54F3181C43F0A,'office@example.com',0x6F6666696365406578616D706C652E636F6D,0x6578616D706C652E636F6D,'','',0x73746166663A657661,1795521600,1795608000,1,0,0,'',NULL);
INSERT INTO `links` VALUES (0x303668307172617130316D6572676A6830766B3972737266,0x09283BC86AD1C29FC36058B6E07E22EE61691F9C35CACA3C7E8410D3C860E046,'office@example.com',0x6F6666696365406578616D706C652E636F6D,0x6578616D706C652E636F6D,'','',0x73746166663A657661,1795521600,1795608000,1,0,0,'',NULL);
INSERT INTO `links` VALUES (0x3036683071726171303333646736676C323335636F6B6A34,0x6BCA7F1009CFF22C936B7C86DB29054ABE949CA1403DC497BE301988B2F2BE27,'office@example.com',0x6F6666696365406578616D706C652E636F6D,0x6578616D706C652E636F6D,'','',0x73746166663A657661,1795521600,1795608000,1,0,0,'',NULL);
CREATE TABLE `messages` (
  `id` varbinary(512) NOT NULL,
  `kind` varbinary(512) NOT NULL,
  `address` varbinary(512) NOT NULL,
  `address_key` varbinary(512) NOT NULL,
  `domain` varbinary(512) NOT NULL,
  `recipient` varbinary(512) NOT NULL,
  `recipient_key` varbinary(512) NOT NULL,
  `language` varbinary(512) NOT NULL,
  `link` varbinary(512) NOT NULL,
  `made_by` varbinary(512) NOT NULL,
  `made_at` bigint(20) NOT NULL,
  `state` varbinary(512) NOT NULL,
  `tries` bigint(20) NOT NULL,
  `due_at` bigint(20) NOT NULL,
  `done_at` bigint(20) NOT NULL,
  `reason` mediumtext NOT NULL,
  `handed_at` bigint(20) NOT NULL,
  `holder` varbinary(512) NOT NULL,
  `held_until` bigint(20) NOT NULL,
  `body` mediumblob DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `messages_by_due` (`state`,`due_at`),
  KEY `messages_by_address` (`address_key`,`id`),
  KEY `messages_by_recipient` (`recipient_key`,`made_at`),
  KEY `messages_by_maker` (`made_by`,`made_at`),
  KEY `messages_by_link` (`link`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `messages` VALUES (0x6D303030,0x77656C636F6D65,0x4F6666696365406578616D706C652E636F6D,0x6F6666696365406578616D706C652E636F6D,0x6578616D706C652E636F6D,0x503040686F6D652E74657374,0x703040686F6D652E74657374,0x6465,0x6C31,0x746F6B656E3A70616E656C,1790000000,0x717565756564,0,1790000000,0,'é; \'\n',0,'',0,0x0001FF);
INSERT INTO `messages` VALUES (0x6D303031,0x77656C636F6D65,0x4F6666696365406578616D706C652E636F6D,0x6F6666696365406578616D706C652E636F6D,0x6578616D706C652E636F6D,0x503140686F6D652E74657374,0x703140686F6D652E74657374,0x6465,0x6C31,0x746F6B656E3A70616E656C,1790000000,0x717565756564,0,1790000000,0,'é; \'\n',0,'',0,0x0001FF);
CREATE TABLE `meta` (
  `name` varbinary(512) NOT NULL,
  `value` varbinary(512) NOT NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `meta` VALUES (0x636572746966696361746573,0x31);
INSERT INTO `meta` VALUES (0x636F6E666967,0x32);
INSERT INTO `meta` VALUES (0x67656E65726174696F6E,0x34);
INSERT INTO `meta` VALUES (0x6E616D6573,0x32);
INSERT INTO `meta` VALUES (0x736974655F6964,0x33747063376E7A7437736273346D726B3774697077696B627A6B);
CREATE TABLE `overrides` (
  `address` varbinary(512) NOT NULL,
  `domain` varbinary(512) NOT NULL,
  `protocol` varbinary(512) NOT NULL,
  `devices` varbinary(512) NOT NULL,
  `note` mediumtext NOT NULL,
  `changed_by` varbinary(512) NOT NULL,
  `changed_at` bigint(20) NOT NULL,
  `gone_at` bigint(20) NOT NULL,
  PRIMARY KEY (`address`),
  KEY `overrides_by_domain` (`domain`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `overrides` VALUES (0x776F726B73686F70406578616D706C652E636F6D,0x6578616D706C652E636F6D,0x706F7033,'','on the phöne',0x657661,1795521600,0);
CREATE TABLE `pacc` (
  `name` varbinary(512) NOT NULL,
  `served` mediumblob DEFAULT NULL,
  `waiting` mediumblob DEFAULT NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `pacc` VALUES (0x6578616D706C652E636F6D,0x7B2261223A20317D,NULL);
INSERT INTO `pacc` VALUES (0x6578616D706C652E6E6574,'',0x7B0A7D);
CREATE TABLE `passkeys` (
  `id` varbinary(1023) NOT NULL,
  `person` varbinary(512) NOT NULL,
  `name` varbinary(512) NOT NULL,
  `data` mediumtext NOT NULL,
  `made_at` bigint(20) NOT NULL,
  `challenged_at` bigint(20) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `passkeys_by_person` (`person`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `passkeys` VALUES (0x0002FF,0x7031,0xC3A93B20270A,'{\"id\":\"x\"}',1795521600,1795521600000);
CREATE TABLE `people` (
  `id` varbinary(512) NOT NULL,
  `issuer` varbinary(512) NOT NULL,
  `subject` varbinary(512) NOT NULL,
  `name` mediumtext NOT NULL,
  `role` varbinary(512) NOT NULL,
  `domains` mediumtext NOT NULL,
  `password` mediumtext NOT NULL,
  `second` mediumblob DEFAULT NULL,
  `step` bigint(20) NOT NULL,
  `failures` bigint(20) NOT NULL,
  `locked_until` bigint(20) NOT NULL,
  `made_at` bigint(20) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `issuer` (`issuer`,`subject`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `people` VALUES (0x7031,'',0x657661,'eva',0x61646D696E,'[\"*\"]','$argon2id$x',0x00FF2261,7,0,0,1795521600);
INSERT INTO `people` VALUES (0x7032,'',0x6F74746F,'otto',0x7374616666,'[\"example.com\"]','$argon2id$y',NULL,0,0,0,1795521600);
CREATE TABLE `plans` (
  `name` varbinary(512) NOT NULL,
  `position` bigint(20) NOT NULL,
  `document` mediumtext NOT NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `plans` VALUES (0x7374616E64617264,0,'{\"name\":\"standard\",\"provider\":\"main\",\"servers\":{\"imap\":[{\"host\":\"imap.example.com\",\"port\":993,\"security\":\"tls\",\"auth\":[\"PLAIN\"]}],\"pop3\":[{\"host\":\"pop.example.com\",\"port\":995,\"security\":\"tls\",\"auth\":[\"PLAIN\"]}],\"smtp\":[{\"host\":\"smtp.example.com\",\"port\":465,\"security\":\"tls\",\"auth\":[\"PLAIN\"]}]}}');
CREATE TABLE `providers` (
  `id` varbinary(512) NOT NULL,
  `position` bigint(20) NOT NULL,
  `document` mediumtext NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `providers` VALUES (0x6D61696E,0,'{\"id\":\"main\",\"name\":\"Example Mail\"}');
CREATE TABLE `recovery_codes` (
  `hash` varbinary(64) NOT NULL,
  `person` varbinary(512) NOT NULL,
  PRIMARY KEY (`hash`),
  KEY `recovery_codes_by_person` (`person`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `recovery_codes` VALUES (0x0001FF,0x7031);
CREATE TABLE `sessions` (
  `hash` varbinary(64) NOT NULL,
  `person` varbinary(512) NOT NULL,
  `made_at` bigint(20) NOT NULL,
  `seen_at` bigint(20) NOT NULL,
  `enrolling` bigint(20) NOT NULL,
  PRIMARY KEY (`hash`),
  KEY `sessions_by_person` (`person`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `sessions` VALUES (0x612073657373696F6E,0x7031,1795521600,1795521600,0);
CREATE TABLE `source_names` (
  `name` varbinary(512) NOT NULL,
  `domain` varbinary(512) NOT NULL,
  `plan` varbinary(1024) NOT NULL,
  `source` varbinary(512) NOT NULL,
  PRIMARY KEY (`name`),
  KEY `source_names_by_domain` (`domain`),
  KEY `source_names_by_source` (`source`,`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `source_names` VALUES (0x6C69737465642E6578616D706C65,0x6C69737465642E6578616D706C65,0x7374616E64617264,0x70616E656C);
CREATE TABLE `tokens` (
  `id` varbinary(512) NOT NULL,
  `hash` varbinary(64) NOT NULL,
  `name` mediumtext NOT NULL,
  `scopes` mediumtext NOT NULL,
  `domains` mediumtext NOT NULL,
  `made_by` varbinary(512) NOT NULL,
  `made_at` bigint(20) NOT NULL,
  `expires_at` bigint(20) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `hash` (`hash`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `tokens` VALUES (0x7431,0x612068617368207468617420697320746578742C20616E64206F6E652074686174,'panel','[\"links:read\",\"links:write\",\"messages:read\",\"messages:write\",\"accounts:read\",\"accounts:write\",\"domains:read\",\"domains:write\",\"decisions:read\",\"renders:read\",\"checks:read\",\"checks:write\",\"audit:read\"]','[\"*\"]','',1795521600,0);
